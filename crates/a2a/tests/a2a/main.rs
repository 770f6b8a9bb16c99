//! Agents as other agents meet them: a real server with a book, a real agent that sells, and clients that are not ours.

mod buying;
mod doors;
mod market;
mod selling;
