//! Fuzz targets: one program for every parser that reads bytes from outside. `cargo xtask fuzz` builds and runs them.
