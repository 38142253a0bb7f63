//! What a scenario came to: the shape of the result files. It must not know how it was measured.

use serde::Serialize;

use crate::books::Books;
use crate::load::Phase;
use crate::machine::Machine;
use crate::sizes::Sizes;

/// One scenario's result: one JSON file.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Its name.
    pub scenario: String,
    /// Where and with what it was measured.
    pub machine: Machine,
    /// How large it was.
    pub sizes: Sizes,
    /// Every load that was driven, in order.
    pub phases: Vec<Phase>,
    /// What it comes down to.
    pub figures: Vec<Figure>,
    /// The checks of the books.
    pub books: Vec<Books>,
    /// What the server did against its contract, besides the books.
    pub breaches: Vec<String>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// One figure: the median of its rounds.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What it says.
    pub name: String,
    /// The median.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
    /// Round by round.
    pub rounds: Vec<f64>,
    /// What it should be; none if it only informs.
    pub aim: Option<Aim>,
    /// Whether it is.
    pub met: Option<bool>,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Figure {
    /// A figure measured once or several times.
    pub fn new(name: impl Into<String>, unit: &'static str, rounds: Vec<f64>) -> Figure {
        Figure {
            name: name.into(),
            value: median(&rounds),
            unit,
            rounds,
            aim: None,
            met: None,
        }
    }

    /// With what it should be.
    #[must_use]
    pub fn aiming(mut self, aim: Aim) -> Figure {
        self.met = Some(match aim {
            Aim::AtLeast(bound) => self.value >= bound,
            Aim::AtMost(bound) => self.value <= bound,
        });
        self.aim = Some(aim);
        self
    }
}

impl Outcome {
    /// Whether the books agree, nothing else broke the contract, and every request was answered
    /// with a success or a refusal. Aims that were missed fail nothing: they depend on the machine.
    pub fn passed(&self) -> bool {
        self.faults().is_empty()
    }

    /// Why it did not pass.
    pub fn faults(&self) -> Vec<String> {
        let books = self.books.iter().flat_map(|books| {
            let faults = books.faults.iter();
            faults.map(|fault| format!("{}: {fault}", books.of))
        });
        let troubled = self.phases.iter().filter(|phase| phase.troubles() > 0);
        let troubles = troubled.map(|phase| {
            let (name, troubles) = (&phase.name, phase.troubles());
            let words = phase.troubles_in_words();
            format!("{name}: {troubles} requests without a proper answer ({words})")
        });
        let breaches = self.breaches.iter().cloned();
        books.chain(troubles).chain(breaches).collect()
    }
}

/// The median; of an even number of values the mean of the middle two. Zero of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_in_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median(&[]).abs() < 1e-9);
    }

    #[test]
    fn an_aim_is_met_or_missed() {
        let figure = |value| Figure::new("x", "", vec![value]);
        assert_eq!(figure(0.8).aiming(Aim::AtLeast(0.8)).met, Some(true));
        assert_eq!(figure(0.8).aiming(Aim::AtMost(0.7)).met, Some(false));
    }
}
