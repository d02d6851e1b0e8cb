//! The finishing pass: structure, links, bookmarks, metadata and compression, and nothing random left.

use std::iter;

use lopdf::{
    Dictionary, Document, Object, ObjectId, SaveOptions, Stream, StringFormat,
    content::{Content, Operation},
    dictionary,
};
use sha2::{Digest, Sha256};

use super::{
    metadata,
    page::Logo,
    structure::{Mark, Role, Structure, read_mark},
};
use crate::{domain::ReportData, render::content_sha256};

/// The colours that numbers mean.
const PROFILE: &[u8] = include_bytes!("../../../assets/icc/srgb.icc");

/// Returns `bytes` as a finished PDF.
pub fn finish(bytes: &[u8], data: &ReportData, structure: &Structure, logo: Option<&Logo>) -> Result<Vec<u8>, lopdf::Error> {
    let mut document = Document::load_mem(bytes)?;
    "1.7".clone_into(&mut document.version);
    let pages: Vec<ObjectId> = document.get_pages().into_values().collect();
    let logo = logo.map(|logo| (picture(&mut document, logo), logo));
    let mut found = Found { of_nodes: vec![Vec::new(); structure.nodes.len()], of_pages: Vec::new(), links: Vec::new() };
    for (number, page) in pages.iter().enumerate() {
        mark_up(&mut document, *page, (number, logo), structure, &mut found)?;
    }
    let outlines = outlines(&mut document, &pages, structure, &found);
    let tree = structure_tree(&mut document, &pages, structure, &found)?;
    let intent = output_intent(&mut document);
    let metadata = document.add_object(
        Stream::new(dictionary! { "Type" => "Metadata", "Subtype" => "XML" }, metadata::xmp(data).into_bytes())
            // Archives must be able to read it without knowing the file.
            .with_compression(false),
    );
    let info = document.add_object(info(data));
    let catalog = document.catalog_mut()?;
    // Layers are the library's own; one is enough.
    catalog.remove(b"OCProperties");
    catalog.set("Metadata", metadata);
    catalog.set("OutputIntents", vec![Object::Reference(intent)]);
    catalog.set("StructTreeRoot", tree);
    catalog.set("MarkInfo", dictionary! { "Marked" => true });
    catalog.set("Lang", Object::string_literal(data.language.tag()));
    catalog.set("ViewerPreferences", dictionary! { "DisplayDocTitle" => true });
    if let Some(outlines) = outlines {
        catalog.set("Outlines", outlines);
        catalog.set("PageMode", "UseOutlines");
    }
    document.trailer.set("Info", info);
    describe_fonts(&mut document)?;
    document.prune_objects();
    document.renumber_objects();
    compress(&mut document);
    // Two equal identifiers made from the content: a file that was never changed since.
    let id = Object::String(Sha256::digest(content_sha256(data))[..16].to_vec(), StringFormat::Hexadecimal);
    document.trailer.set("ID", vec![id.clone(), id]);
    save(&mut document)
}

/// Compresses what is in the document.
///
/// A stream of bytes that ends in a carriage return stays as it is: with the line feed that is written behind it, that would be read as
/// the end of a line, and the stream as shorter than it says. Archives refuse that.
fn compress(document: &mut Document) {
    document.compress();
    for stream in document.objects.values_mut().filter_map(|object| object.as_stream_mut().ok()) {
        if stream.content.ends_with(b"\r") {
            // What cannot be unpacked was not packed here.
            let _ = stream.decompress();
        }
    }
}

/// Writes the document with its thousands of small objects, one a cell, packed together: so they compress well.
///
/// How many are packed together decides on the bytes in which packs end: the first number is taken for which none ends as [`compress`]
/// forbids. One pack in 256 does, so that a number more or less soon fits; should none, the last is a PDF all the same.
fn save(document: &mut Document) -> Result<Vec<u8>, lopdf::Error> {
    let packed = document.objects.values().filter(|object| object.as_stream().is_err()).count();
    let fewer = |objects: &usize| objects.checked_sub((objects / 8).max(1)).filter(|fewer| *fewer > 0);
    let mut bytes = Vec::new();
    for objects in iter::successors(Some(packed.clamp(1, 4096)), fewer).take(16) {
        bytes.clear();
        document.save_with_options(&mut bytes, in_packs_of(objects))?;
        if !ends_in_doubt(&bytes) {
            break;
        }
    }
    Ok(bytes)
}

fn in_packs_of(objects: usize) -> SaveOptions {
    SaveOptions::builder().use_object_streams(true).use_xref_streams(true).max_objects_per_stream(objects).compression_level(6).build()
}

/// Says whether the bytes of some stream end in a carriage return.
fn ends_in_doubt(pdf: &[u8]) -> bool {
    const END: &[u8] = b"\r\nendstream";
    pdf.windows(END.len()).any(|window| window == END)
}

/// What the marks on the pages said.
struct Found {
    /// Of each node, the page and the number of each stretch of its content, and the height of its first mark.
    of_nodes: Vec<Vec<(usize, i64, f64)>>,
    /// Of each page, the node of each stretch by number.
    of_pages: Vec<Vec<usize>>,
    /// Page, number of the link, lower and upper height.
    links: Vec<(usize, usize, f64, f64)>,
}

/// Makes a picture of the logo's colours.
fn picture(document: &mut Document, logo: &Logo) -> ObjectId {
    let dictionary = dictionary! {
        "Type" => "XObject", "Subtype" => "Image", "Width" => i64::from(logo.pixels.width), "Height" => i64::from(logo.pixels.height),
        "ColorSpace" => "DeviceRGB", "BitsPerComponent" => 8,
    };
    document.add_object(Stream::new(dictionary, logo.pixels.rgb.clone()))
}

/// What draws the logo, as ornament.
fn drawn(logo: &Logo) -> [Operation; 4] {
    let (left, top, width, height) = logo.place;
    #[expect(clippy::cast_possible_truncation, reason = "places on a page")]
    let points = |millimetres: f64| Object::Real((millimetres * 72.0 / 25.4) as f32);
    let place = vec![points(width), 0.into(), 0.into(), points(height), points(left), points(297.0 - top - height)];
    [
        Operation::new("q", Vec::new()),
        Operation::new("cm", place),
        Operation::new("Do", vec!["Logo".into()]),
        Operation::new("Q", Vec::new()),
    ]
}

/// Puts PDF's own marks in the place of ours, and the logo into the header.
fn mark_up(
    document: &mut Document,
    page: ObjectId,
    (number, logo): (usize, Option<(ObjectId, &Logo)>),
    structure: &Structure,
    found: &mut Found,
) -> Result<(), lopdf::Error> {
    let content = Content::decode(&document.get_page_content(page))?;
    let ornament = || Operation::new("BMC", vec!["Artifact".into()]);
    let mut operations = vec![ornament()];
    let mut stretches = Vec::new();
    let mut given = content.operations.into_iter().peekable();
    while let Some(operation) = given.next() {
        let point = |operation: &Operation| -> Option<(f64, f64)> {
            let [x, y] = operation.operands.as_slice() else { return None };
            Some((x.as_float().ok()?.into(), y.as_float().ok()?.into()))
        };
        let mark = match (operation.operator.as_str(), given.peek()) {
            // The library's layers.
            ("BDC" | "EMC", _) => continue,
            ("m", Some(next)) if next.operator == "l" => {
                point(&operation).zip(point(next)).and_then(|((x, y), (other_x, end))| Some((read_mark(x, other_x)?, y, end)))
            }
            _ => None,
        };
        let Some((mark, y, end)) = mark else {
            operations.push(operation);
            continue;
        };
        // The line's end, and the stroke.
        given.by_ref().take(2).for_each(drop);
        match mark {
            Mark::Link(link) => found.links.push((number, link, y.min(end), y.max(end))),
            Mark::Node(0) => operations.extend([Operation::new("EMC", Vec::new()), ornament()]),
            Mark::Node(node) => {
                let stretch = i64::try_from(stretches.len()).unwrap_or(i64::MAX);
                found.of_nodes[node].push((number, stretch, y));
                stretches.push(node);
                let properties = dictionary! { "MCID" => stretch };
                operations.push(Operation::new("EMC", Vec::new()));
                operations.push(Operation::new("BDC", vec![name(&structure.nodes[node].role).into(), Object::Dictionary(properties)]));
            }
        }
    }
    operations.push(Operation::new("EMC", Vec::new()));
    if let Some((_, logo)) = logo {
        operations.push(ornament());
        operations.extend(drawn(logo));
        operations.push(Operation::new("EMC", Vec::new()));
    }
    found.of_pages.push(stretches);
    let stream = document.add_object(Stream::new(Dictionary::new(), Content { operations }.encode()?));
    let dictionary = document.get_dictionary_mut(page)?;
    dictionary.set("Contents", stream);
    dictionary.set("Tabs", "S");
    dictionary.set("StructParents", i64::try_from(number).unwrap_or(i64::MAX));
    if let Ok(Object::Dictionary(resources)) = dictionary.get_mut(b"Resources") {
        resources.remove(b"Properties");
    }
    if let Some((picture, _)) = logo {
        document.add_xobject(page, "Logo", picture)?;
    }
    Ok(())
}

/// Returns PDF's name of a role.
fn name(role: &Role) -> &'static str {
    match role {
        Role::Document => "Document",
        Role::Title => "H1",
        Role::Heading { .. } => "H2",
        Role::Paragraph => "P",
        Role::Figure(_) => "Figure",
        Role::Table => "Table",
        Role::Row => "TR",
        Role::Head { .. } => "TH",
        Role::Cell => "TD",
    }
}

/// Where a node begins.
fn place(pages: &[ObjectId], found: &Found, node: usize) -> Option<Object> {
    let (page, _, y) = found.of_nodes[node].first()?;
    #[expect(clippy::cast_possible_truncation, reason = "a height on a page")]
    let top = (*y + 6.0) as f32;
    Some(vec![Object::Reference(pages[*page]), "XYZ".into(), Object::Null, top.into(), Object::Null].into())
}

/// Bookmarks for the parts.
fn outlines(document: &mut Document, pages: &[ObjectId], structure: &Structure, found: &Found) -> Option<ObjectId> {
    let titles: Vec<(&str, Object)> = structure
        .nodes
        .iter()
        .enumerate()
        .filter_map(|(number, node)| match &node.role {
            Role::Heading { text, .. } => Some((text.as_str(), place(pages, found, number)?)),
            _ => None,
        })
        .collect();
    let root = document.new_object_id();
    let items: Vec<ObjectId> = titles.iter().map(|_| document.new_object_id()).collect();
    let (first, last) = (*items.first()?, *items.last()?);
    for (index, (title, place)) in titles.into_iter().enumerate() {
        let mut item = dictionary! { "Title" => text(title), "Parent" => root, "Dest" => place };
        if let Some(before) = index.checked_sub(1) {
            item.set("Prev", items[before]);
        }
        if let Some(next) = items.get(index + 1) {
            item.set("Next", *next);
        }
        document.objects.insert(items[index], item.into());
    }
    let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
    document.objects.insert(root, dictionary! { "Type" => "Outlines", "First" => first, "Last" => last, "Count" => count }.into());
    Some(root)
}

/// The tree of what is what, with the links in it.
fn structure_tree(document: &mut Document, pages: &[ObjectId], structure: &Structure, found: &Found) -> Result<ObjectId, lopdf::Error> {
    let root = document.new_object_id();
    let ids: Vec<ObjectId> = structure.nodes.iter().map(|_| document.new_object_id()).collect();
    let mut children: Vec<Vec<Object>> = vec![Vec::new(); ids.len()];
    for (number, node) in structure.nodes.iter().enumerate().skip(1) {
        children[node.parent].push(ids[number].into());
    }
    let mut by_number: Vec<Object> = Vec::new();
    for (page, stretches) in found.of_pages.iter().enumerate() {
        let nodes: Vec<Object> = stretches.iter().map(|node| ids[*node].into()).collect();
        by_number.extend([i64::try_from(page).unwrap_or(i64::MAX).into(), nodes.into()]);
    }
    for (index, (page, link, low, high)) in found.links.iter().enumerate() {
        let link = &structure.links[*link];
        let leads_to = |role: &Role| matches!(role, Role::Heading { anchor, .. } if *anchor == link.to);
        let target = structure.nodes.iter().position(|node| leads_to(&node.role)).and_then(|node| place(pages, found, node));
        let Some(target) = target else { continue };
        let key = i64::try_from(pages.len() + index).unwrap_or(i64::MAX);
        #[expect(clippy::cast_possible_truncation, reason = "places on a page")]
        let rectangle = [link.sides.0 * 72.0 / 25.4, *low, link.sides.1 * 72.0 / 25.4, *high].map(|place| Object::Real(place as f32));
        let annotation = document.add_object(dictionary! {
            "Type" => "Annot", "Subtype" => "Link", "Rect" => rectangle.to_vec(), "Border" => vec![0.into(), 0.into(), 0.into()],
            "F" => 4, "Dest" => target, "Contents" => text(&link.text), "StructParent" => key,
        });
        let element = document.add_object(dictionary! {
            "Type" => "StructElem", "S" => "Link", "P" => ids[0], "Pg" => pages[*page], "Alt" => text(&link.text),
            "K" => dictionary! { "Type" => "OBJR", "Obj" => annotation },
        });
        children[0].push(element.into());
        by_number.extend([key.into(), element.into()]);
        let annotations = document.get_dictionary_mut(pages[*page])?;
        let mut known = annotations.get(b"Annots").and_then(Object::as_array).cloned().unwrap_or_default();
        known.push(annotation.into());
        annotations.set("Annots", known);
    }
    for (number, (node, mut kids)) in structure.nodes.iter().zip(children).enumerate() {
        let mut element = dictionary! {
            "Type" => "StructElem", "S" => name(&node.role), "P" => if number == 0 { root } else { ids[node.parent] },
        };
        let own = &found.of_nodes[number];
        if let Some((first, ..)) = own.first() {
            element.set("Pg", pages[*first]);
            kids.extend(own.iter().map(|(page, stretch, _)| {
                if page == first {
                    return Object::Integer(*stretch);
                }
                dictionary! { "Type" => "MCR", "Pg" => pages[*page], "MCID" => *stretch }.into()
            }));
        }
        element.set("K", if let [only] = kids.as_slice() { only.clone() } else { kids.into() });
        match &node.role {
            Role::Figure(words) => element.set("Alt", text(words)),
            Role::Head { of_column, span } => {
                let mut attributes = dictionary! { "O" => "Table", "Scope" => if *of_column { "Column" } else { "Row" } };
                if *span > 1 {
                    attributes.set("ColSpan", i64::try_from(*span).unwrap_or(1));
                }
                element.set("A", attributes);
            }
            _ => {}
        }
        document.objects.insert(ids[number], element.into());
    }
    let parents = document.add_object(dictionary! { "Nums" => by_number });
    let next = i64::try_from(pages.len() + found.links.len()).unwrap_or(i64::MAX);
    document.objects.insert(
        root,
        dictionary! { "Type" => "StructTreeRoot", "K" => ids[0], "ParentTree" => parents, "ParentTreeNextKey" => next }.into(),
    );
    Ok(root)
}

/// What the library leaves out or measures in the face's own units: the name by which it calls a face, the name of the face, and its slant.
const FACES: [(&[u8], &str, f32); 3] = [(b"F0", "Inter-Regular", 0.0), (b"F1", "Inter-SemiBold", 0.0), (b"F2", "Inter-Italic", -9.4)];

/// Measures that all faces share, in thousandths of their size: bounding box, ascent, descent, height of capitals.
const FACE_BOX: [i64; 4] = [-241, -241, 1274, 998];
const FACE_HEIGHTS: [(&str, i64); 3] = [("Ascent", 969), ("Descent", -241), ("CapHeight", 728)];

/// What the library takes the glyph of missing characters for, U+0000, which archives refuse, and what it stands for.
const MISSING: (&str, &str) = ("<0000> <0000>", "<0000> <fffd>");

/// Gives fonts what viewers and archives want to know of them.
fn describe_fonts(document: &mut Document) -> Result<(), lopdf::Error> {
    let mut characters = Vec::new();
    let face = |dictionary: &Dictionary, key: &[u8]| {
        let name = dictionary.get(key).and_then(Object::as_name).ok()?;
        FACES.iter().find(|(known, ..)| *known == name)
    };
    for object in document.objects.values_mut() {
        let Object::Dictionary(dictionary) = object else { continue };
        if let Some((_, name, slant)) = face(dictionary, b"FontName") {
            dictionary.set("FontName", subset_name(name));
            dictionary.set("FontBBox", FACE_BOX.map(Object::Integer).to_vec());
            dictionary.set("ItalicAngle", *slant);
            for (key, height) in FACE_HEIGHTS {
                dictionary.set(key, height);
            }
        }
        if let Some((_, name, _)) = face(dictionary, b"BaseFont") {
            dictionary.set("BaseFont", subset_name(name));
            characters.extend(dictionary.get(b"ToUnicode").and_then(Object::as_reference));
            if let Ok(Object::Array(descendants)) = dictionary.get_mut(b"DescendantFonts") {
                for descendant in descendants.iter_mut().filter_map(|descendant| descendant.as_dict_mut().ok()) {
                    descendant.set("BaseFont", subset_name(name));
                    // Characters are numbered as the face's own glyphs are.
                    descendant.set("CIDToGIDMap", "Identity");
                }
            }
        }
    }
    for id in characters {
        let map = document.get_object_mut(id)?.as_stream_mut()?;
        let text = String::from_utf8_lossy(&map.get_plain_content()?).replacen(MISSING.0, MISSING.1, 1);
        map.set_plain_content(text.into_bytes());
    }
    Ok(())
}

/// Returns the name of a face of which some glyphs only are in the file.
fn subset_name(name: &str) -> Object {
    Object::Name(format!("RELATO+{name}").into_bytes())
}

fn output_intent(document: &mut Document) -> ObjectId {
    let profile = document.add_object(Stream::new(dictionary! { "N" => 3, "Alternate" => "DeviceRGB" }, PROFILE.to_vec()));
    document.add_object(dictionary! {
        "Type" => "OutputIntent", "S" => "GTS_PDFA1", "OutputConditionIdentifier" => Object::string_literal("sRGB IEC61966-2.1"),
        "Info" => Object::string_literal("sRGB IEC61966-2.1"), "DestOutputProfile" => profile,
    })
}

fn info(data: &ReportData) -> Dictionary {
    let issued = Object::string_literal(data.snapshot.published_at.format("D:%Y%m%d%H%M%S+00'00'").to_string());
    dictionary! {
        "Title" => text(&metadata::title(data)), "Author" => text(&data.organization), "Subject" => text(&data.audience),
        "Keywords" => text(&data.snapshot.id), "Creator" => text(metadata::PRODUCER), "Producer" => text(metadata::PRODUCER),
        "CreationDate" => issued.clone(), "ModDate" => issued,
    }
}

/// A text as PDF wants it outside of Latin: UTF-16 with a byte order mark.
fn text(value: &str) -> Object {
    let mut bytes = vec![0xFE, 0xFF];
    bytes.extend(value.encode_utf16().flat_map(u16::to_be_bytes));
    Object::String(bytes, StringFormat::Hexadecimal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_stream_ends_is_beyond_doubt() {
        let (mut left, mut packed_anew) = (0, 0);
        // What packed bytes end in is the sum of what is packed: with a letter more each time, all ends come up.
        for number in 0..600 {
            let letters = "y".repeat(number).into_bytes();
            let mut document = Document::with_version("1.7");
            let stream = document.add_object(Stream::new(Dictionary::new(), ["word ".repeat(40).as_bytes(), &letters].concat()));
            let pages = document.add_object(dictionary! { "Type" => "Pages", "Kids" => Vec::<Object>::new(), "Count" => 0 });
            let catalog = dictionary! {
                "Type" => "Catalog", "Pages" => pages, "Stream" => stream, "Letters" => Object::String(letters.clone(), StringFormat::Literal),
            };
            let catalog = document.add_object(catalog);
            document.trailer.set("Root", catalog);
            compress(&mut document);
            left += i32::from(!document.get_object(stream).and_then(Object::as_stream).expect("the stream").is_compressed());
            let mut bytes = Vec::new();
            document.clone().save_with_options(&mut bytes, in_packs_of(4096)).expect("a PDF");
            packed_anew += i32::from(ends_in_doubt(&bytes));
            let bytes = save(&mut document).expect("a PDF");
            assert!(!ends_in_doubt(&bytes), "{number}");
            let read = Document::load_mem(&bytes).expect("a PDF that can be read");
            let root = read.catalog().expect("the catalog");
            assert_eq!(root.get(b"Letters").and_then(Object::as_str).ok(), Some(letters.as_slice()));
            let stream = root.get(b"Stream").and_then(Object::as_reference).and_then(|id| read.get_object(id)).and_then(Object::as_stream);
            assert!(stream.and_then(Stream::get_plain_content).expect("words").ends_with(&letters));
        }
        assert!(left > 0 && packed_anew > 0, "both kinds of doubt came up: {left}, {packed_anew}");
    }
}
