//! The program as people and scripts meet it: run as a process, judged by what it prints and how it ends.

mod agents;
mod books;
mod demo;
mod dev;
mod explain;
mod help;
mod log;
mod mcp;
mod notices;
mod offline;
mod payouts;
mod seller;
mod skill;
mod tabs;
mod terms;
mod tools;
mod torture;
