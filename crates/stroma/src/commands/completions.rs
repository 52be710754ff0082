//! `stroma completions`: the completions of a shell, made from the same definition as the help.

use std::io::Write;

use clap::CommandFactory;

use super::run::standard_output;
use crate::arguments::Arguments;
use crate::failure::{Failure, Result};

pub(super) fn run(shell: clap_complete::Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "stroma", &mut script);
    let mut output = standard_output();
    output.write_all(&script).and_then(|()| output.flush()).map_err(Failure::output)
}
