//! Results as a page for a browser: the figures and the latency curves, drawn as SVG, with nothing
//! to load from elsewhere. It must not know how anything was measured.

use std::fmt::Write as _;

use crate::load::{Measured, Phase};
use crate::report::number;
use crate::result::{Figure, Outcome};

/// Width and height of a plot, and the room for its labels.
const SIZE: (f64, f64) = (720.0, 260.0);
const MARGIN: f64 = 60.0;

/// Quantiles that the horizontal axis names, each a tenth as rare as the one before.
const TICKS: [(f64, &str); 5] = [
    (0.0, "0"),
    (0.9, "90 %"),
    (0.99, "99 %"),
    (0.999, "99.9 %"),
    (0.9999, "99.99 %"),
];

/// The rarest quantile that is drawn, and how many powers of ten it lies from the start.
const RAREST: f64 = 0.9999;
const DECADES: f64 = 4.0;

/// The shortest latency that is told apart.
const LEAST_MS: f64 = 1e-3;

const COLOURS: [&str; 10] = [
    "#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a", "#0a3069", "#bf3989",
    "#4ac26b", "#bc4c00",
];

const STYLE: &str = "body{font:15px system-ui,sans-serif;margin:2rem auto;max-width:60rem;\
    padding:0 1rem}table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:left;\
    border-bottom:1px solid #d0d7de}td.n{text-align:right;font-variant-numeric:tabular-nums}\
    .missed{color:#9a6700}.met{color:#1a7f37}.fault{color:#d1242f}svg{max-width:100%}";

/// The page.
pub fn page(outcomes: &[Outcome]) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Onhand under load</title>\
         <style>{STYLE}</style><h1>Onhand under load</h1>"
    );
    for outcome in outcomes {
        scenario(outcome, &mut html);
    }
    html.push_str("</html>\n");
    html
}

fn scenario(outcome: &Outcome, html: &mut String) {
    let machine = &outcome.machine;
    let name = escaped(&outcome.scenario);
    let measured = escaped(&format!(
        "{} × {}, {} GiB, Linux {}, fdatasync {:.3} ms; {}, commit {}; {}; seed {}",
        machine.cores,
        machine.processor,
        machine.memory_gib,
        machine.kernel,
        machine.fdatasync_ms,
        machine.server,
        machine.commit,
        machine.measured_at,
        machine.seed,
    ));
    add(
        html,
        format_args!("<h2>{name}</h2><p>{measured}</p><table>"),
    );
    outcome.figures.iter().for_each(|each| figure(each, html));
    html.push_str("</table>");
    for fault in outcome.faults() {
        add(
            html,
            format_args!("<p class=\"fault\">{}</p>", escaped(&fault)),
        );
    }
    for note in &outcome.notes {
        add(html, format_args!("<p>{}</p>", escaped(note)));
    }
    plot(&outcome.phases, html);
}

fn figure(figure: &Figure, html: &mut String) {
    let Figure {
        name, value, unit, ..
    } = figure;
    let (class, aim) = match figure.met {
        Some(true) => ("met", "aim met"),
        Some(false) => ("missed", "aim missed"),
        None => ("", ""),
    };
    let (name, value) = (escaped(name), number(*value));
    add(
        html,
        format_args!(
            "<tr><td>{name}<td class=\"n\">{value}<td>{unit}<td class=\"{class}\">{aim}</tr>"
        ),
    );
}

/// A name and its latencies by quantile.
type Curve = (String, Vec<(f64, f64)>);

/// The powers of ten, in milliseconds, that the vertical axis runs between.
struct Axes {
    from: f64,
    to: f64,
}

/// Latency by quantile, both axes by powers of ten, one line for each kind of each phase.
fn plot(phases: &[Phase], html: &mut String) {
    let named = |phase: &Phase, kind: &Measured| format!("{}: {}", phase.name, kind.kind);
    let curves: Vec<Curve> = phases
        .iter()
        .flat_map(|phase| phase.kinds.iter().map(move |kind| (phase, kind)))
        .filter(|(_, kind)| kind.latency.max_ms > 0.0)
        .map(|(phase, kind)| (named(phase, kind), kind.latency.curve.clone()))
        .collect();
    if curves.is_empty() {
        return;
    }
    let axes = Axes::around(&curves);
    let (width, height) = (SIZE.0 + 2.0 * MARGIN, SIZE.1 + 40.0);
    add(
        html,
        format_args!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"latency in milliseconds by quantile\" font-size=\"12\">"
        ),
    );
    axes.draw(html);
    // Rounds that have one name have one colour.
    let mut names: Vec<&String> = Vec::new();
    for (name, curve) in &curves {
        if !names.contains(&name) {
            names.push(name);
        }
        let colour = colour(&names, name);
        let points = curve.iter().filter(|(part, _)| *part <= RAREST);
        let points: Vec<String> = points
            .map(|(part, ms)| format!("{:.1},{:.1}", axes.x(*part), axes.y(*ms)))
            .collect();
        let (points, name) = (points.join(" "), escaped(name));
        add(
            html,
            format_args!(
                "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" \
             stroke-width=\"1.5\"><title>{name}</title></polyline>"
            ),
        );
    }
    html.push_str("</svg><p>");
    for name in &names {
        let (name, colour) = (escaped(name), colour(&names, name));
        add(
            html,
            format_args!("<span style=\"color:{colour}\">■</span> {name} "),
        );
    }
    html.push_str("</p>");
}

fn colour(names: &[&String], name: &str) -> &'static str {
    let at = names.iter().position(|one| *one == name);
    COLOURS[at.unwrap_or(0) % COLOURS.len()]
}

impl Axes {
    fn around(curves: &[Curve]) -> Axes {
        let all = curves.iter().flat_map(|(_, curve)| curve);
        let (least, most) = all.fold((f64::INFINITY, LEAST_MS), |(least, most), (_, ms)| {
            (least.min(ms.max(LEAST_MS)), most.max(*ms))
        });
        let from = least.log10().floor();
        let to = most.log10().ceil().max(from + 1.0);
        Axes { from, to }
    }

    fn x(&self, part: f64) -> f64 {
        MARGIN - (1.0 - part.min(RAREST)).log10() / DECADES * SIZE.0
    }

    fn y(&self, ms: f64) -> f64 {
        let above = ms.max(LEAST_MS).log10() - self.from;
        10.0 + SIZE.1 - above / (self.to - self.from) * SIZE.1
    }

    fn draw(&self, html: &mut String) {
        let (left, right, low) = (MARGIN, MARGIN + SIZE.0, SIZE.1 + 10.0);
        for (part, label) in TICKS {
            let (at, below) = (self.x(part), low + 18.0);
            add(
                html,
                format_args!(
                    "<path d=\"M{at:.1} 10V{low:.1}\" stroke=\"#d0d7de\"/>\
                 <text x=\"{at:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{label}</text>"
                ),
            );
        }
        let mut power = self.from;
        while power <= self.to {
            let ms = 10_f64.powf(power);
            let (at, beside) = (self.y(ms), left - 6.0);
            add(
                html,
                format_args!(
                    "<path d=\"M{left} {at:.1}H{right}\" stroke=\"#d0d7de\"/>\
                 <text x=\"{beside}\" y=\"{at:.1}\" dy=\"4\" text-anchor=\"end\">{ms} ms</text>"
                ),
            );
            power += 1.0;
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

fn add(html: &mut String, part: std::fmt::Arguments<'_>) {
    html.write_fmt(part).expect("a string has room");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rarer_is_further_right_and_slower_is_higher() {
        let curves = [("a".into(), vec![(0.0, 0.05), (0.5, 2.0), (0.99, 40.0)])];
        let axes = Axes::around(&curves);
        assert!((axes.from - -2.0).abs() < 1e-9 && (axes.to - 2.0).abs() < 1e-9);
        assert!(axes.x(0.99) > axes.x(0.5) && axes.x(1.0) <= MARGIN + SIZE.0 + 0.1);
        assert!(axes.y(40.0) < axes.y(2.0) && axes.y(100.0) >= 9.9);
    }
}
