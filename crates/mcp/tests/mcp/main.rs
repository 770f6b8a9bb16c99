//! The MCP server as clients meet it: a real server with a book, a real gateway that sells, and the client of the SDK.

// The enums of the protocol are open: what a test does not expect is a failure whatever it is.
#![allow(clippy::wildcard_enum_match_arm)]

mod asking;
mod booth;
mod buying;
mod doors;
mod fair;
mod house;
mod selling;
