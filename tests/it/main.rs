//! The one black-box test binary: real Postgres, through the front door.

mod fixtures;
