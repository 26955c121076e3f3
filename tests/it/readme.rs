//! The documents against the program: what they tell to type runs and prints what they show, their
//! configurations are right, their links lead somewhere, and no verb, kind or problem is left out.

mod applied;
mod backup;
mod blocks;
mod coverage;
mod inline;
mod links;
mod pages;
mod run;
mod start;
