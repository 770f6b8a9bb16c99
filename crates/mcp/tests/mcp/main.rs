//! The MCP server as clients meet it: a real server with a book, a real gateway that sells, and the client of the SDK.

mod asking;
mod buying;
mod doors;
mod house;
mod selling;
