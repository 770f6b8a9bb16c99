//! The gateway before a scripted model, from outside: real sockets, a real payment service, exact money.

mod calls;
mod crash;
mod cuts;
mod house;
mod money;
mod sessions;
mod upstream;
