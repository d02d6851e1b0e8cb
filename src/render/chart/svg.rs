//! The shapes of a drawing as SVG, for mail bodies, pages and documents.

use std::fmt::Write;

use super::{Anchor, Drawing, Shape};
use crate::render::palette::{self, Rgb};

/// Millimetres of a typographic point.
const POINT: f64 = 0.3528;

/// Returns a drawing as an SVG document whose user unit is the millimetre; `title` is its alternative text.
pub fn svg(drawing: &Drawing, title: &str) -> String {
    let (width, height) = (number(drawing.width), number(drawing.height));
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}mm\" height=\"{height}mm\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" font-family=\"Inter, Helvetica, Arial, sans-serif\">\n<title>{}</title>\n",
        escaped(title)
    );
    for shape in &drawing.shapes {
        // Writing to a text cannot fail.
        let _ = match shape {
            Shape::Rect { x, y, width, height, color } => {
                let [x, y, width, height] = [x, y, width, height].map(|value| number(*value));
                writeln!(text, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{}\"/>", hex(*color))
            }
            Shape::Line { points, thickness, color } => {
                let points: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", number(*x), number(*y))).collect();
                let (points, color, thickness) = (points.join(" "), hex(*color), number(*thickness));
                writeln!(text, "<polyline points=\"{points}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{thickness}\"/>")
            }
            Shape::Text { x, y, text: words, size, color, anchor, bold } => {
                let anchor = match anchor {
                    Anchor::Start => "start",
                    Anchor::Middle => "middle",
                    Anchor::End => "end",
                };
                let weight = if *bold { " font-weight=\"bold\"" } else { "" };
                // `y` is the middle of the small letters: half their height above the base line.
                let size = f64::from(*size) * POINT;
                let (x, y, color, words) = (number(*x), number(*y + size * 0.36), hex(*color), escaped(words));
                let size = number(size);
                writeln!(
                    text,
                    "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{color}\" text-anchor=\"{anchor}\"{weight}>{words}</text>"
                )
            }
        };
    }
    text.push_str("</svg>\n");
    text
}

fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn hex(color: Rgb) -> String {
    format!("#{:06x}", palette::hex(color))
}

/// Makes words safe in markup; what XML has no place for becomes a box.
fn escaped(words: &str) -> String {
    words
        .chars()
        .map(|char| match char {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            char if char.is_control() || matches!(char, '\u{fffe}' | '\u{ffff}') => "□".to_owned(),
            char => char.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_become_elements_and_words_are_escaped() {
        let color = (1, 2, 3);
        let drawing = Drawing {
            width: 10.0,
            height: 5.5,
            shapes: vec![
                Shape::Rect { x: 0.0, y: 1.0, width: 2.25, height: 3.0, color },
                Shape::Text { x: 5.0, y: 2.0, text: "a < b".to_owned(), size: 10, color, anchor: Anchor::End, bold: true },
            ],
        };
        let text = svg(&drawing, "R&D");
        assert!(text.contains("viewBox=\"0 0 10 5.5\"") && text.contains("<title>R&amp;D</title>"), "{text}");
        assert!(text.contains("<rect x=\"0\" y=\"1\" width=\"2.25\" height=\"3\" fill=\"#010203\"/>"), "{text}");
        assert!(
            text.contains("y=\"3.27\" font-size=\"3.53\"") && text.contains("text-anchor=\"end\" font-weight=\"bold\">a &lt; b</text>"),
            "{text}"
        );
    }
}
