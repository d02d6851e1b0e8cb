//! What the pages say to readers who do not see them: headings, paragraphs, tables with heading cells, charts with words for them; and
//! where links lead.
//!
//! The library that draws has no notion of this. Elements therefore leave marks between what they draw: lines far outside of the page,
//! whose places hold a number. The finishing pass takes the marks out and puts in their place what PDF has for the purpose. What stands
//! behind no mark is ornament.

use genpdf::{render::Area, style::LineStyle};

use super::text::at;

/// What a piece of content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The whole.
    Document,
    /// The title of the document.
    Title,
    /// The title of a part; the name is where links lead.
    Heading {
        /// Name of the part.
        anchor: String,
        /// The title.
        text: String,
    },
    /// Words.
    Paragraph,
    /// A picture, in words.
    Figure(String),
    /// Rows.
    Table,
    /// Cells.
    Row,
    /// A cell that names a column or a row.
    Head {
        /// Whether it names what stands below it, or else what stands beside it.
        of_column: bool,
        /// Columns that it spans.
        span: usize,
    },
    /// A cell.
    Cell,
}

/// A piece of content and where it belongs.
#[derive(Debug)]
pub struct Node {
    /// What it is.
    pub role: Role,
    /// The node that it belongs to; that of the document is 0, and belongs to itself.
    pub parent: usize,
}

/// A rectangle that leads to a part.
#[derive(Debug)]
pub struct Link {
    /// Left and right edge on the page, in millimetres.
    pub sides: (f64, f64),
    /// Name of the part.
    pub to: String,
    /// What it is about, for readers who do not see it.
    pub text: String,
}

/// Everything that the pages are made of, in reading order.
#[derive(Debug)]
pub struct Structure {
    /// The nodes, each behind the one that it belongs to.
    pub nodes: Vec<Node>,
    /// The links.
    pub links: Vec<Link>,
}

impl Default for Structure {
    fn default() -> Self {
        Structure { nodes: vec![Node { role: Role::Document, parent: 0 }], links: Vec::new() }
    }
}

/// Where marks are: beyond any page, nodes apart from links.
const NODES_AT: f64 = 1000.0;
const LINKS_AT: f64 = 3000.0;

/// A mark holds a number in two places, so that neither needs more digits than coordinates keep.
const BASE: usize = 1000;

const POINTS_PER_MM: f64 = 72.0 / 25.4;

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// What follows belongs to this node; the document's own says that it belongs to none.
    Node(usize),
    /// A link reaches from the line's first height to its second.
    Link(usize),
}

impl Structure {
    /// Adds a node.
    pub fn add(&mut self, role: Role, parent: usize) -> usize {
        self.nodes.push(Node { role, parent });
        self.nodes.len() - 1
    }

    /// Adds a link.
    pub fn add_link(&mut self, link: Link) -> usize {
        self.links.push(link);
        self.links.len() - 1
    }
}

/// Leaves a mark at the height `y`; `left` is where the area begins on the page.
pub fn mark(area: &Area<'_>, left: f64, mark: Mark, (y, end): (f64, f64)) {
    let (from, number) = match mark {
        Mark::Node(number) => (NODES_AT, number),
        Mark::Link(number) => (LINKS_AT, number),
    };
    #[expect(clippy::cast_precision_loss, reason = "below a thousand")]
    let place = |digits: usize| -from - digits as f64 - left;
    area.draw_line([at(place(number / BASE), y), at(place(number % BASE), end)], LineStyle::new());
}

/// Reads the mark that a line from `x` to `other_x`, in points, is; none where it is on the page.
pub fn read_mark(x: f64, other_x: f64) -> Option<Mark> {
    let digits = |x: f64, from: f64| -> Option<usize> {
        let digits = (-x / POINTS_PER_MM - from).round();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held to the range")]
        (0.0..1000.0).contains(&digits).then_some(digits as usize)
    };
    let number = |from: f64| Some(digits(x, from)? * BASE + digits(other_x, from)?);
    number(NODES_AT).map(Mark::Node).or_else(|| number(LINKS_AT).map(Mark::Link))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_left() {
        #[expect(clippy::cast_possible_truncation, reason = "what the library keeps of a place")]
        let written = |from: f64, digits: u32| f64::from((-(from + f64::from(digits)) * POINTS_PER_MM) as f32);
        for number in [0_u32, 7, 999, 1000, 123_456, 999_999] {
            let of = |from: f64| (written(from, number / 1000), written(from, number % 1000));
            let (x, other_x) = of(NODES_AT);
            assert_eq!(read_mark(x, other_x), Some(Mark::Node(number as usize)));
            let (x, other_x) = of(LINKS_AT);
            assert_eq!(read_mark(x, other_x), Some(Mark::Link(number as usize)));
        }
        assert_eq!(read_mark(39.7, 555.6), None);
        assert_eq!(read_mark(-10.0, -10.0), None);
    }
}
