//! `spanspec schema`, `completions` and `man`: what other programs want to know of this one.

use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;

use super::authoring_arguments::{CompletionsArguments, ManArguments, SchemaArguments, SchemaOf};
use super::commands::Arguments;
use super::exit::{Exit, fail};

/// Prints a JSON Schema.
pub(super) fn schema(arguments: &SchemaArguments) -> Exit {
    let schema = match arguments.of {
        SchemaOf::Spec => crate::schema::spec(),
        SchemaOf::Project => crate::schema::project(),
    };
    print(crate::schema::text(&schema).as_bytes())
}

/// Prints a script that a shell reads when it starts.
pub(super) fn completions(arguments: &CompletionsArguments) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "spanspec",
        &mut script,
    );
    print(&script)
}

/// Prints the first page, or writes all of them.
pub(super) fn man(arguments: &ManArguments) -> Exit {
    let Some(dir) = &arguments.dir else {
        let mut page = Vec::new();
        return match clap_mangen::Man::new(Arguments::command()).render(&mut page) {
            Ok(()) => print(&page),
            Err(error) => fail(Exit::Errored, &format!("error: cannot write: {error}")),
        };
    };
    match write_pages(dir) {
        Ok(pages) => print(format!("{pages} pages in {}\n", dir.display()).as_bytes()),
        Err(error) => {
            let message = format!(
                "error: cannot write man pages to {}: {error}",
                dir.display()
            );
            fail(Exit::Errored, &message)
        }
    }
}

fn write_pages(dir: &Path) -> io::Result<usize> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(Arguments::command(), dir)?;
    let own = |entry: &io::Result<std::fs::DirEntry>| {
        entry
            .as_ref()
            .is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("spanspec"))
    };
    Ok(std::fs::read_dir(dir)?.filter(own).count())
}

fn print(bytes: &[u8]) -> Exit {
    match io::stdout().write_all(bytes) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            fail(Exit::Errored, &format!("error: cannot write: {error}"))
        }
        _ => Exit::Passed,
    }
}
