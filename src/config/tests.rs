//! Loading as a whole: layers, faults, secrets that stay secret, and the files beside the code.
