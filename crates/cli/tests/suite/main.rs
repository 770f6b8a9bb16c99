//! The program as people and scripts meet it: run as a process, judged by what it prints and how it ends.

mod agents;
mod ap2;
mod books;
mod commerce;
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
mod sessions;
mod skill;
mod stand;
mod tabs;
mod terms;
mod tools;
mod torture;
mod traces;
