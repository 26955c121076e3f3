//! Documents checked against the program: commands run and print the shown output, configurations
//! are valid, links have targets, and no verb, kind or problem is missing.

mod applied;
mod backup;
mod blocks;
mod coverage;
mod inline;
mod links;
mod pages;
mod run;
mod sample;
mod start;
