//! What the catalogue refuses, as problems. Knows no route.

use super::fault::{At, Fault, Source, Wrong};
use super::problem::{Code, Problem};
use crate::actors::CallError;
use crate::catalogue::{CatalogueError, CatalogueRefusal};

/// What the catalogue answered about the document at `at`, which also names what it is about.
pub fn in_body(error: CatalogueError, at: At<'_>) -> Problem {
    match error {
        CatalogueError::Refused(refusal) => of_refusal(refusal, at),
        CatalogueError::Overloaded => CallError::Overloaded.into(),
        CatalogueError::OutcomeUnknown => Problem::new(
            Code::OutcomeUnknown,
            "it may have happened: look, or send the same again",
        ),
    }
}

/// What the catalogue answered about what the path names.
pub fn in_path(error: CatalogueError) -> Problem {
    let problem = in_body(error, At::Root);
    let code = problem.code();
    if matches!(code, Code::UnknownItem | Code::UnknownLocation) {
        return Problem::not_found(code, problem.detail().to_owned());
    }
    problem
}

fn of_refusal(refusal: CatalogueRefusal, at: At<'_>) -> Problem {
    let detail = refusal.to_string();
    match refusal {
        CatalogueRefusal::Invalid(faults) => {
            let place = |fault: crate::catalogue::Fault| {
                let source = Source::Pointer(format!("{at}{}", fault.pointer));
                Fault::new(source, Wrong::invalid(fault.detail))
            };
            Problem::from_faults(faults.into_iter().map(place).collect())
        }
        CatalogueRefusal::UnknownItem(_) => Problem::new(Code::UnknownItem, detail),
        CatalogueRefusal::UnknownLocation(_) => Problem::new(Code::UnknownLocation, detail),
        CatalogueRefusal::UnknownToken(_) => Problem::new(Code::NotFound, detail),
        CatalogueRefusal::Full { .. } => Problem::invalid(detail),
    }
}
