//! The shapes of a drawing as PNG, for mail programs, which show no SVG.

use std::sync::{Arc, LazyLock};

use resvg::{
    tiny_skia::{Color, Pixmap, Transform},
    usvg::{Options, Tree, fontdb::Database},
};

use super::{Drawing, svg};

/// The faces of the documents, so that a picture looks the same wherever it is made.
static FACES: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut faces = Database::new();
    faces.load_font_data(include_bytes!("../../../assets/fonts/Inter-regular.ttf").to_vec());
    faces.load_font_data(include_bytes!("../../../assets/fonts/Inter-bold.ttf").to_vec());
    Arc::new(faces)
});

/// Pixels of a millimetre: twice what a common screen has, for those that have more.
const PIXELS_PER_MM: f32 = 7.6;

/// Returns a drawing as PNG on white; none where it has no size.
pub fn png(drawing: &Drawing, title: &str) -> Option<Vec<u8>> {
    let options = Options { fontdb: Arc::clone(&FACES), font_family: "Inter".to_owned(), dpi: 25.4, ..Options::default() };
    let tree = Tree::from_str(&svg(drawing, title), &options).ok()?;
    let size = tree.size().to_int_size().scale_by(PIXELS_PER_MM)?;
    let mut picture = Pixmap::new(size.width(), size.height())?;
    picture.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(PIXELS_PER_MM, PIXELS_PER_MM), &mut picture.as_mut());
    picture.encode_png().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::chart::{Anchor, Shape};

    #[test]
    fn a_drawing_becomes_a_picture_with_words_in_it() {
        let drawing = |words: &str| Drawing {
            width: 20.0,
            height: 10.0,
            shapes: vec![Shape::Text {
                x: 1.0,
                y: 5.0,
                text: words.to_owned(),
                size: 12,
                color: (0, 0, 0),
                anchor: Anchor::Start,
                bold: false,
            }],
        };
        let picture = png(&drawing("Média"), "t").unwrap();
        let decoded = Pixmap::decode_png(&picture).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (152, 76));
        assert!(decoded.pixels().iter().any(|pixel| pixel.red() < 128), "the words are there");
        assert_ne!(picture, png(&drawing("Fila"), "t").unwrap());
        assert_eq!(picture, png(&drawing("Média"), "t").unwrap());
    }
}
