//! Files made by hand, byte by byte.

pub const PNG_MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A PNG chunk with its length and checksum.
pub fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut out = (content.len() as u32).to_be_bytes().to_vec();
    out.extend_from_slice(kind);
    out.extend_from_slice(content);
    let checksum = crc32(&out[4..]);
    out.extend_from_slice(&checksum.to_be_bytes());
    out
}

/// The checksum of PNG's chunks.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

/// A PNG header chunk; colour types are 0 grey, 2 RGB, 3 palette, 4 grey + alpha, 6 RGBA.
pub fn ihdr(width: u32, height: u32, depth: u8, color: u8) -> Vec<u8> {
    let mut content = [width.to_be_bytes(), height.to_be_bytes()].concat();
    content.extend_from_slice(&[depth, color, 0, 0, 0]);
    chunk(b"IHDR", &content)
}

/// PNG rows (each beginning with its filter byte) in one stored block of zlib data.
pub fn idat(rows: &[u8]) -> Vec<u8> {
    chunk(b"IDAT", &zlib(rows))
}

/// One stored block of zlib data.
pub fn zlib(content: &[u8]) -> Vec<u8> {
    let length = content.len() as u16;
    let mut zlib = vec![0x78, 0x01, 0x01];
    zlib.extend_from_slice(&length.to_le_bytes());
    zlib.extend_from_slice(&(!length).to_le_bytes());
    zlib.extend_from_slice(content);
    let (mut a, mut b) = (1u32, 0u32);
    for &byte in content {
        a = (a + u32::from(byte)) % 65521;
        b = (b + a) % 65521;
    }
    zlib.extend_from_slice(&(b << 16 | a).to_be_bytes());
    zlib
}

/// The chunks of a PNG: type and content.
pub fn chunks_of(png: &[u8]) -> Vec<([u8; 4], Vec<u8>)> {
    let mut rest = &png[8..];
    let mut chunks = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk() {
        let (kind, after) = after.split_first_chunk().unwrap();
        let (content, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        chunks.push((*kind, content.to_vec()));
        rest = &after[4..];
    }
    chunks
}

pub fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
    [PNG_MAGIC, &chunks.concat(), &chunk(b"IEND", &[])].concat()
}

/// A JPEG segment with its length.
pub fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![0xff, marker];
    out.extend_from_slice(&(content.len() as u16 + 2).to_be_bytes());
    out.extend_from_slice(content);
    out
}

/// A JPEG file with headers but without pixels worth the name.
pub fn jpeg_header(width: u16, height: u16, precision: u8, components: u8) -> Vec<u8> {
    let mut frame = vec![precision];
    frame.extend_from_slice(&height.to_be_bytes());
    frame.extend_from_slice(&width.to_be_bytes());
    frame.push(components);
    for id in 1..=components {
        frame.extend_from_slice(&[id, 0x11, 0]);
    }
    let mut scan = vec![components];
    for id in 1..=components {
        scan.extend_from_slice(&[id, 0]);
    }
    scan.extend_from_slice(&[0, 63, 0]);
    [&[0xff, 0xd8], segment(0xc0, &frame).as_slice(), &segment(0xda, &scan), &[0, 0, 0xff, 0xd9]].concat()
}

/// A RIFF chunk, padded to an even length.
pub fn riff(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut out = kind.to_vec();
    out.extend_from_slice(&(content.len() as u32).to_le_bytes());
    out.extend_from_slice(content);
    out.extend(vec![0; content.len() % 2]);
    out
}

/// The extended header of a WebP file; flag 2 is animation, 8 EXIF.
pub fn vp8x(width: u32, height: u32, flags: u8) -> Vec<u8> {
    let mut content = vec![flags, 0, 0, 0];
    content.extend_from_slice(&(width - 1).to_le_bytes()[..3]);
    content.extend_from_slice(&(height - 1).to_le_bytes()[..3]);
    riff(b"VP8X", &content)
}

pub fn webp(chunks: &[Vec<u8>]) -> Vec<u8> {
    riff(b"RIFF", &[b"WEBP", chunks.concat().as_slice()].concat())
}

/// An EXIF block with nothing but the orientation, in either byte order.
pub fn exif(orientation: u16, big_endian: bool) -> Vec<u8> {
    let short = |v: u16| {
        if big_endian { v.to_be_bytes() } else { v.to_le_bytes() }
    };
    let long = |v: u32| {
        if big_endian { v.to_be_bytes() } else { v.to_le_bytes() }
    };
    let mut out = if big_endian { b"MM".to_vec() } else { b"II".to_vec() };
    out.extend_from_slice(&short(42));
    out.extend_from_slice(&long(8));
    out.extend_from_slice(&short(1));
    out.extend_from_slice(&short(0x112));
    out.extend_from_slice(&short(3));
    out.extend_from_slice(&long(1));
    out.extend_from_slice(&short(orientation));
    out.extend_from_slice(&short(0));
    out.extend_from_slice(&long(0));
    out
}

/// A value of an EXIF directory: tag, type and the value's bytes.
pub type Value<'a> = (u16, u16, &'a [u8]);

/// The bytes that a value of this type has.
fn width_of(kind: u16) -> usize {
    [1, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8][usize::from(kind)]
}

/// A directory of EXIF that stands at byte `at`, with what does not fit behind it.
pub fn exif_directory(big_endian: bool, at: usize, values: &[Value], next: u32) -> Vec<u8> {
    let short = |v: u16| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    let long = |v: usize| if big_endian { (v as u32).to_be_bytes() } else { (v as u32).to_le_bytes() };
    let mut entries = short(values.len() as u16).to_vec();
    let mut behind = Vec::new();
    for (tag, kind, value) in values {
        entries.extend_from_slice(&short(*tag));
        entries.extend_from_slice(&short(*kind));
        entries.extend_from_slice(&long(value.len() / width_of(*kind)));
        if value.len() <= 4 {
            entries.extend_from_slice(&[value, [0; 4].as_slice()].concat()[..4]);
        } else {
            entries.extend_from_slice(&long(at + 2 + 12 * values.len() + 4 + behind.len()));
            behind.extend_from_slice(value);
            behind.extend(vec![0; value.len() % 2]);
        }
    }
    entries.extend_from_slice(&long(next as usize));
    [entries, behind].concat()
}

/// The tags of a little-endian TIFF file's directory: type and value by tag.
pub fn tags_of(file: &[u8], at: usize) -> std::collections::BTreeMap<u16, (u16, Vec<u8>)> {
    let short = |at: usize| u16::from_le_bytes(*file[at..].first_chunk().unwrap());
    let long = |at: usize| u32::from_le_bytes(*file[at..].first_chunk().unwrap()) as usize;
    let entry = |i: usize| {
        let at = at + 2 + 12 * i;
        let kind = short(at + 2);
        let length = long(at + 4) * width_of(kind);
        let from = if length <= 4 { at + 8 } else { long(at + 8) };
        assert!(length <= 4 || from % 2 == 0, "tag {} begins at byte {from}", short(at));
        (short(at), (kind, file[from..from + length].to_vec()))
    };
    (0..usize::from(short(at))).map(entry).collect()
}

/// TIFF tags of the hand-made files.
pub mod tag {
    pub const NEW_SUBFILE_TYPE: u16 = 254;
    pub const WIDTH: u16 = 256;
    pub const HEIGHT: u16 = 257;
    pub const BITS_PER_SAMPLE: u16 = 258;
    pub const COMPRESSION: u16 = 259;
    pub const PHOTOMETRIC: u16 = 262;
    pub const STRIP_OFFSETS: u16 = 273;
    pub const ORIENTATION: u16 = 274;
    pub const SAMPLES_PER_PIXEL: u16 = 277;
    pub const STRIP_BYTE_COUNTS: u16 = 279;
    pub const PLANAR: u16 = 284;
    pub const ROWS_PER_STRIP: u16 = 278;
    pub const COLOR_MAP: u16 = 320;
    pub const EXTRA_SAMPLES: u16 = 338;
    pub const SAMPLE_FORMAT: u16 = 339;
    pub const EXIF: u16 = 34665;
    pub const GPS: u16 = 34853;
    pub const DNG_VERSION: u16 = 50706;
}

/// The tags whose numbers have 32 bits; those of the others have 16.
const LONG: [u16; 8] = [
    tag::NEW_SUBFILE_TYPE,
    tag::WIDTH,
    tag::HEIGHT,
    tag::STRIP_OFFSETS,
    tag::STRIP_BYTE_COUNTS,
    tag::DNG_VERSION,
    tag::EXIF,
    tag::GPS,
];

/// A tag, the number of its type, and its value.
pub type Field = (u16, u16, Vec<u8>);

/// One page of a TIFF file: tags and the strips. The tags of the strips, and
/// those of an 8-bit grey image where they are missing, are added.
#[derive(Clone)]
pub struct Page {
    pub tags: Vec<Field>,
    pub strips: Vec<Vec<u8>>,
}

impl Page {
    pub fn grey(width: u32, height: u32, pixels: &[u8]) -> Page {
        let page = Page { tags: Vec::new(), strips: vec![pixels.to_vec()] };
        page.with(tag::WIDTH, &[width]).with(tag::HEIGHT, &[height])
    }

    pub fn rgb(width: u32, height: u32, channels: usize, pixels: &[u8]) -> Page {
        Page::grey(width, height, pixels)
            .with(tag::PHOTOMETRIC, &[2])
            .with(tag::SAMPLES_PER_PIXEL, &[channels as u32])
            .with(tag::BITS_PER_SAMPLE, &vec![8; channels])
    }

    pub fn with(self, tag: u16, values: &[u32]) -> Page {
        let (_, kind, value) = numbers(tag, values);
        self.with_bytes(tag, kind, &value)
    }

    /// With a tag of any type.
    pub fn with_bytes(mut self, tag: u16, kind: u16, value: &[u8]) -> Page {
        self.tags.retain(|(other, ..)| *other != tag);
        self.tags.push((tag, kind, value.to_vec()));
        self
    }
}

/// A tag of numbers in the type that is usual for it.
pub fn numbers(tag: u16, values: &[u32]) -> Field {
    let (kind, size) = if LONG.contains(&tag) { (4, 4) } else { (3, 2) };
    let bytes = values.iter().map(|value| value.to_le_bytes());
    (tag, kind, bytes.flat_map(|bytes| bytes.into_iter().take(size)).collect())
}

/// A little-endian TIFF file; of each page the tags come first and the strips last.
pub fn tiff(pages: Vec<Page>) -> Vec<u8> {
    let mut out = b"II*\0".to_vec();
    let mut link = out.len();
    out.extend_from_slice(&[0; 4]);
    for page in pages {
        let here = (out.len() as u32).to_le_bytes();
        out[link..link + 4].copy_from_slice(&here);
        let tags = complete(&page, |_| 0);
        let strips_at = out.len() + directory(&tags, 0).len();
        let before = |n| page.strips[..n].iter().map(Vec::len).sum::<usize>();
        let tags = complete(&page, |n| (strips_at + before(n)) as u32);
        link = out.len() + 2 + 12 * tags.len();
        let directory = directory(&tags, out.len());
        out.extend_from_slice(&directory);
        out.extend(page.strips.concat());
    }
    out
}

/// All tags of a page in order, given where each strip begins.
fn complete(page: &Page, offset: impl Fn(usize) -> u32) -> Vec<Field> {
    let mut page = page.clone();
    for (tag, value) in [(tag::BITS_PER_SAMPLE, 8), (tag::PHOTOMETRIC, 1), (tag::SAMPLES_PER_PIXEL, 1)] {
        if page.tags.iter().all(|(other, ..)| *other != tag) {
            page = page.with(tag, &[value]);
        }
    }
    let lengths: Vec<u32> = page.strips.iter().map(|strip| strip.len() as u32).collect();
    let offsets: Vec<u32> = (0..page.strips.len()).map(offset).collect();
    let mut tags = page.with(tag::STRIP_BYTE_COUNTS, &lengths).with(tag::STRIP_OFFSETS, &offsets).tags;
    tags.sort();
    tags
}

/// A directory that stands at byte `at`, with an empty link to the next one, and the values that
/// do not fit in it.
pub fn directory(tags: &[Field], at: usize) -> Vec<u8> {
    let mut entries = (tags.len() as u16).to_le_bytes().to_vec();
    let mut behind = Vec::new();
    let behind_at = at + 2 + 12 * tags.len() + 4;
    for (tag, kind, value) in tags {
        let size = [1, 1, 1, 2, 4, 8, 1, 1][usize::from(*kind)];
        entries.extend_from_slice(&tag.to_le_bytes());
        entries.extend_from_slice(&kind.to_le_bytes());
        entries.extend_from_slice(&((value.len() / size) as u32).to_le_bytes());
        if value.len() > 4 {
            let place = (behind_at + behind.len()) as u32;
            entries.extend_from_slice(&place.to_le_bytes());
            behind.extend_from_slice(value);
        } else {
            let mut value = value.clone();
            value.resize(4, 0);
            entries.extend_from_slice(&value);
        }
    }
    entries.extend_from_slice(&[0; 4]);
    entries.extend(behind);
    entries
}
