//! The roofline plot (Williams, Waterman and Patterson, CACM 2009) as SVG: what operators reach, over how much they
//! compute for each byte, below what the adapter can do.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::probe::{Resource, Roof};

use super::report::{Operator, Report};
use crate::cli::html::escape;
use crate::cli::units::{percent, seconds, si};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 540.0;
/// Left, right, top and bottom.
const MARGINS: [f64; 4] = [80.0, 150.0, 20.0, 50.0];
/// Colours that the colour-blind tell apart (Okabe and Ito).
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999"];

/// A logarithmic axis of whole decades.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    /// Powers of ten at its ends.
    decades: [i32; 2],
    /// Where they lie, in pixels.
    ends: [f64; 2],
}

impl Axis {
    /// The axis that holds all values, which are positive.
    fn holding(values: impl Iterator<Item = f64>, ends: [f64; 2]) -> Self {
        let logs: Vec<f64> = values.filter(|v| *v > 0.0 && v.is_finite()).map(f64::log10).collect();
        let least = logs.iter().copied().fold(f64::INFINITY, f64::min);
        let low = if least.is_finite() { least.floor() } else { 0.0 };
        let high = logs.iter().copied().fold(low + 1.0, f64::max).ceil();
        let decades = [low as i32, high as i32];
        Self { decades, ends }
    }

    fn at(&self, value: f64) -> f64 {
        let [low, high] = self.decades.map(f64::from);
        let [start, end] = self.ends;
        start + (value.log10() - low) / (high - low) * (end - start)
    }

    /// The values at its ends.
    fn range(&self) -> [f64; 2] {
        self.decades.map(|decade| 10_f64.powi(decade))
    }
}

/// The plot. Operators without multiply-adds have no place in it.
pub(super) fn roofline(report: &Report) -> String {
    let roof = Roof::new(&report.ceilings);
    let dots: Vec<&Operator> =
        report.operators.iter().filter(|o| o.totals.executed > 0 && o.rates.seconds > 0.0).collect();
    let flat = [Resource::F32, Resource::F16, Resource::Matrices].into_iter();
    let flat: Vec<(Resource, f64)> = flat.filter_map(|r| Some((r, roof.ceiling(r)?))).collect();
    let memory = roof.ceiling(Resource::Memory);
    let ridges = flat.iter().filter_map(|(_, rate)| Some(rate / memory?));
    let [left, right, top, bottom] = MARGINS;
    let x = Axis::holding(dots.iter().map(|o| o.rates.intensity).chain(ridges), [left, WIDTH - right]);
    let rates = dots.iter().map(|o| o.rates.flops).chain(flat.iter().map(|(_, rate)| *rate));
    let y = Axis::holding(rates, [HEIGHT - bottom, top]);
    let kinds = colours(&dots);
    let parts =
        [grid(&x, &y), ceilings(&flat, memory, &x, &y), points(&dots, &kinds, &x, &y), legend(&kinds)];
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"12\">\n{}</svg>\n\
         <p class=\"note\">A dot is an operator, larger the more time it takes. Lines are what the adapter can do. \
         Operators without convolutions are in the tables alone.</p>\n",
        parts.concat()
    )
}

/// A colour for each kind that has dots.
fn colours<'a>(dots: &[&'a Operator]) -> BTreeMap<&'a str, &'static str> {
    let mut kinds: BTreeMap<&str, &str> = dots.iter().map(|o| (o.op, "")).collect();
    kinds.values_mut().zip(COLOURS.iter().cycle()).for_each(|(colour, own)| *colour = own);
    kinds
}

fn line([x1, y1]: [f64; 2], [x2, y2]: [f64; 2], style: &str) -> String {
    format!("<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" {style}/>\n")
}

fn label(x: f64, y: f64, anchor: &str, text: &str) -> String {
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#222\">{}</text>\n",
        escape(text)
    )
}

/// A line for each power of ten.
fn grid(x: &Axis, y: &Axis) -> String {
    let ([left, right], [bottom, top]) = (x.ends, y.ends);
    let style = "stroke=\"#ddd\"";
    let mut svg = String::new();
    for decade in x.decades[0]..=x.decades[1] {
        let value = 10_f64.powi(decade);
        svg += &line([x.at(value), bottom], [x.at(value), top], style);
        svg += &label(x.at(value), bottom + 18.0, "middle", &format!("{value}"));
    }
    for decade in y.decades[0]..=y.decades[1] {
        let value = 10_f64.powi(decade);
        svg += &line([left, y.at(value)], [right, y.at(value)], style);
        svg += &label(left - 8.0, y.at(value) + 4.0, "end", si(value).trim());
    }
    svg += &label(
        f64::midpoint(left, right),
        HEIGHT - 10.0,
        "middle",
        "FLOP executed for each byte of tensors and weights",
    );
    let middle = f64::midpoint(top, bottom);
    let _ = writeln!(
        svg,
        "<text transform=\"translate(18 {middle:.1}) rotate(-90)\" text-anchor=\"middle\" fill=\"#222\">FLOP/s</text>"
    );
    svg
}

/// The slope of memory, and for each kind of arithmetic its level from where memory allows it.
fn ceilings(flat: &[(Resource, f64)], memory: Option<f64>, x: &Axis, y: &Axis) -> String {
    let mut svg = String::new();
    let [least, most] = x.range();
    for (resource, rate) in flat {
        let from = memory.map_or(least, |memory| rate / memory).clamp(least, most);
        svg += &line(
            [x.at(from), y.at(*rate)],
            [x.at(most), y.at(*rate)],
            "stroke=\"#444\" stroke-width=\"1.5\"",
        );
        let text = format!("{} {}FLOP/s", resource.name(), si(*rate));
        svg += &label(x.at(most) + 6.0, y.at(*rate) + 4.0, "start", &text);
    }
    let Some(memory) = memory else { return svg };
    let highest = flat.iter().map(|(_, rate)| *rate).fold(y.range()[0], f64::max);
    let from = (y.range()[0] / memory).clamp(least, most);
    let to = (highest / memory).clamp(from, most);
    let [start, end] = [from, to].map(|value| [x.at(value), y.at(value * memory)]);
    svg += &line(start, end, "stroke=\"#444\" stroke-width=\"1.5\" stroke-dasharray=\"6 3\"");
    let [a, b] = [start, end].map(|[x, y]| (x, y));
    let (along, up) = (f64::midpoint(a.0, b.0), f64::midpoint(a.1, b.1));
    svg + &label(along - 8.0, up - 4.0, "end", &format!("memory {}B/s", si(memory)))
}

fn points(dots: &[&Operator], kinds: &BTreeMap<&str, &str>, x: &Axis, y: &Axis) -> String {
    let most = dots.iter().map(|o| o.rates.share).fold(f64::MIN_POSITIVE, f64::max);
    let mut svg = String::new();
    for operator in dots {
        let rates = &operator.rates;
        let radius = 2.0 + 7.0 * (rates.share / most).sqrt();
        let title = format!(
            "{} {} ({}): {}, {} of the time, {}FLOP/s, {} of its ceiling",
            operator.op,
            operator.tensor,
            operator.shape(),
            seconds(rates.seconds),
            percent(Some(rates.share)),
            si(rates.flops),
            percent(rates.of_ceiling),
        );
        let colour = kinds.get(operator.op).copied().unwrap_or(COLOURS[6]);
        let _ = writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius:.1}\" fill=\"{colour}\" fill-opacity=\"0.55\" \
             stroke=\"{colour}\"><title>{}</title></circle>",
            x.at(rates.intensity),
            y.at(rates.flops),
            escape(&title)
        );
    }
    svg
}

fn legend(kinds: &BTreeMap<&str, &str>) -> String {
    let mut svg = String::new();
    for (i, (kind, colour)) in kinds.iter().enumerate() {
        let (x, y) = (WIDTH - MARGINS[1] + 14.0, HEIGHT - MARGINS[3] - 18.0 * i as f64 - 8.0);
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"5\" fill=\"{colour}\"/>", y - 4.0);
        svg += &label(x + 10.0, y, "start", kind);
    }
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_hold_their_values_in_whole_decades() {
        let axis = Axis::holding([0.2, 30.0].into_iter(), [100.0, 400.0]);
        assert_eq!(axis.decades, [-1, 2]);
        assert_eq!([0.1, 1.0, 100.0].map(|v| axis.at(v).round()), [100.0, 200.0, 400.0]);
        let one = Axis::holding([100.0].into_iter(), [0.0, 1.0]);
        assert_eq!(one.decades, [2, 3]);
        assert_eq!(Axis::holding([0.0, f64::NAN].into_iter(), [0.0, 1.0]).decades, [0, 1]);
    }
}
