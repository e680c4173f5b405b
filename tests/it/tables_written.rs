//! Generated tables, in text (packed or not, with decimal points or commas), as frames, BIOM and
//! workbooks: what is read equals what was written, or the reader refuses, and its advice leads to
//! the table. `DONORMATCH_TABLES` sets how many are tried.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

use std::collections::BTreeMap;

use std::io::Write;

use donormatch::profile::{
    Completeness, CsrMatrix, Decimal, LabelledMatrix, ProfileTable, Ranks, ReadOptions, Unit,
    read_bytes,
};

const SPECIES: [&str; 10] = [
    "Blautia_obeum",
    "Blautia_wexlerae",
    "Phocaeicola_vulgatus",
    "Phocaeicola_dorei",
    "Akkermansia_muciniphila",
    "Dorea_longicatena",
    "Dorea_formicigenerans",
    "Roseburia_hominis",
    "Roseburia_faecis",
    "Escherichia_coli",
];

/// `SplitMix64` (Steele, Lea and Flood 2014).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `most`, both among them.
    fn up_to(&mut self, most: u32) -> u32 {
        u32::try_from(self.next() % (u64::from(most) + 1)).unwrap()
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.up_to(n - 1) == 0
    }

    fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.up_to(u32::try_from(from.len() - 1).unwrap()) as usize]
    }
}

/// A table as it was meant: taxon → sample → abundance, and what is in none of the columns.
struct Meant {
    unit: Unit,
    samples: Vec<String>,
    taxa: BTreeMap<String, Vec<f64>>,
    /// What each sample holds above the rank of the columns.
    above: Vec<f64>,
    repeated: bool,
    filtered: bool,
}

fn lineage(species: &str) -> String {
    let genus = species.split('_').next().unwrap();
    format!("k__Bacteria|g__{genus}|s__{species}")
}

fn genus_of(label: &str) -> String {
    label.rsplit_once('|').unwrap().0.to_owned()
}

/// Draws a table of 2 to 4 samples, whose numbers are written without rounding.
fn draw(rng: &mut Draws) -> Meant {
    let n_samples = 1 + rng.up_to(3);
    let unit = rng.choose(&[Unit::Count, Unit::Fraction, Unit::Percent]);
    let repeated = rng.one_in(2);
    let genera = !repeated && rng.one_in(3);
    let n_taxa = 2 + rng.up_to(8) as usize;
    let named = repeated || genera || rng.one_in(2);
    let mut labels: Vec<String> = SPECIES[..n_taxa]
        .iter()
        .map(|species| {
            if named {
                lineage(species)
            } else {
                format!("s__{species}")
            }
        })
        .collect();
    if genera {
        labels.push(genus_of(&labels[0]));
    }
    let filtered = unit != Unit::Count && rng.one_in(3);
    let stops = repeated && rng.one_in(2);
    let whole: u32 = if unit == Unit::Count { 10_000 } else { 1 << 20 };
    let mut taxa: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut above = Vec::new();
    for _ in 0..n_samples {
        let mut left = whole;
        if filtered {
            left -= whole / 16;
        }
        let stopped = if stops { left / 8 } else { 0 };
        left -= stopped;
        let scale = match unit {
            Unit::Count => 1.0,
            Unit::Fraction => 1.0 / f64::from(whole),
            Unit::Percent => 100.0 / f64::from(whole),
        };
        above.push(f64::from(stopped) * scale);
        for (at, label) in labels.iter().enumerate() {
            let reads = if at + 1 == labels.len() {
                left
            } else {
                rng.up_to(left / 2)
            };
            left -= reads;
            taxa.entry(label.clone())
                .or_default()
                .push(f64::from(reads) * scale);
        }
    }
    Meant {
        unit,
        samples: (1..=n_samples).map(|n| format!("D{n:02}")).collect(),
        taxa,
        above,
        repeated,
        filtered,
    }
}

/// The rows of the file: those meant, and the ranks above them where ranks repeat.
fn rows(meant: &Meant) -> BTreeMap<String, Vec<f64>> {
    let mut rows = meant.taxa.clone();
    if !meant.repeated {
        return rows;
    }
    let mut add = |label: String, values: &[f64]| {
        let sums = rows.entry(label).or_insert_with(|| vec![0.0; values.len()]);
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value;
        }
    };
    for (label, values) in &meant.taxa {
        add(genus_of(label), values);
        add("k__Bacteria".to_owned(), values);
    }
    if meant.above.iter().any(|&above| above > 0.0) {
        add("k__Bacteria|g__Ruminococcus".to_owned(), &meant.above);
        add("k__Bacteria".to_owned(), &meant.above);
    }
    rows
}

/// Which way round a table is written.
#[derive(Clone, Copy)]
enum Shape {
    Long,
    SamplesInRows,
    TaxaInRows {
        corner: &'static str,
        annotated: bool,
    },
}

/// What a table is handed over as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Text,
    Gzip,
    DecimalComma,
    Frame,
    BiomJson,
    Workbook,
}

impl Door {
    /// Whether the first row may be data.
    fn may_lack_header(self) -> bool {
        matches!(self, Self::Text | Self::Gzip | Self::DecimalComma)
    }
}

/// How a table is written.
struct Style {
    door: Door,
    delimiter: char,
    shape: Shape,
    comment: bool,
    header: bool,
    padded: bool,
}

fn style(rng: &mut Draws, meant: &Meant) -> Style {
    let turned = Shape::TaxaInRows {
        corner: rng.choose(&["taxon", "#OTU ID", "clade_name"]),
        annotated: rng.one_in(5),
    };
    let delimiter = rng.choose(&['\t', ',', ';']);
    let shape = rng.choose(&[Shape::Long, Shape::SamplesInRows, turned, turned]);
    let (comment, header, padded) = (rng.one_in(3), !rng.one_in(10), rng.one_in(5));
    let door = rng.choose(&[
        Door::Text,
        Door::Text,
        Door::Gzip,
        Door::DecimalComma,
        Door::Frame,
        Door::BiomJson,
        Door::Workbook,
    ]);
    // The features of BIOM are disjoint, and frames are wide.
    let door = match (door, shape) {
        (Door::BiomJson, _) if meant.repeated => Door::Text,
        (Door::Frame, Shape::Long) => Door::Gzip,
        #[cfg(not(feature = "containers"))]
        (Door::Workbook, _) => Door::Text,
        (door, _) => door,
    };
    let is_comma = door == Door::DecimalComma && delimiter == ',';
    Style {
        door,
        delimiter: if is_comma { ';' } else { delimiter },
        shape,
        comment,
        header: header || !door.may_lack_header(),
        padded,
    }
}

/// The header and the rows.
fn cells(meant: &Meant, style: &Style) -> Vec<Vec<String>> {
    let rows = rows(meant);
    let mut lines: Vec<Vec<String>> = Vec::new();
    match style.shape {
        Shape::Long => {
            lines.push(
                ["sample_id", "taxon", "abundance"]
                    .map(str::to_owned)
                    .to_vec(),
            );
            for (label, values) in &rows {
                for (sample, value) in meant.samples.iter().zip(values) {
                    lines.push(vec![sample.clone(), label.clone(), value.to_string()]);
                }
            }
        }
        Shape::SamplesInRows => {
            let mut names = vec!["sample_id".to_owned()];
            names.extend(rows.keys().cloned());
            lines.push(names);
            for (at, sample) in meant.samples.iter().enumerate() {
                let mut line = vec![sample.clone()];
                line.extend(rows.values().map(|values| values[at].to_string()));
                lines.push(line);
            }
        }
        Shape::TaxaInRows { corner, annotated } => {
            let mut names = vec![corner.to_owned()];
            names.extend(meant.samples.iter().cloned());
            if annotated {
                names.push("Confidence".to_owned());
            }
            lines.push(names);
            for (label, values) in &rows {
                let mut line = vec![label.clone()];
                line.extend(values.iter().map(ToString::to_string));
                if annotated {
                    line.push("0.98".to_owned());
                }
                lines.push(line);
            }
        }
    }
    lines
}

fn text(meant: &Meant, style: &Style, header: bool) -> String {
    let mut lines = cells(meant, style);
    if !header {
        lines.remove(0);
    }
    if style.door == Door::DecimalComma {
        for cell in lines.iter_mut().flatten() {
            if cell.parse::<f64>().is_ok() {
                *cell = cell.replace('.', ",");
            }
        }
    }
    let width = lines[0].len();
    let d = style.delimiter.to_string();
    let mut text = String::new();
    if style.comment {
        let padding = if style.padded {
            d.repeat(width - 1)
        } else {
            String::new()
        };
        text += &("# made for a test".to_owned() + &padding + "\n");
    }
    for line in lines {
        text += &(line.join(&d) + if style.padded { &d } else { "" } + "\n");
    }
    text
}

fn packed(text: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

/// The numbers below the header and behind the labels.
fn values(lines: &[Vec<String>]) -> Vec<Vec<f64>> {
    let row = |line: &Vec<String>| line[1..].iter().map(|cell| cell.parse().unwrap()).collect();
    lines[1..].iter().map(row).collect()
}

fn frame(lines: &[Vec<String>]) -> LabelledMatrix {
    let nonzero = |row: Vec<f64>| -> Vec<(u32, f64)> {
        (0..).zip(row).filter(|&(_, value)| value != 0.0).collect()
    };
    let rows = values(lines).into_iter().map(nonzero).collect();
    LabelledMatrix {
        rows: lines[1..].iter().map(|line| line[0].clone()).collect(),
        columns: lines[0][1..].to_vec(),
        values: CsrMatrix::from_rows(lines[0].len() - 1, rows).unwrap(),
        corner: Some(lines[0][0].clone()),
        lineages: None,
    }
}

/// The table as dense BIOM 1.0.
fn biom(meant: &Meant) -> String {
    let ids = |names: &mut dyn Iterator<Item = &String>| {
        let ids: Vec<String> = names
            .map(|name| format!("{{\"id\":\"{name}\",\"metadata\":null}}"))
            .collect();
        ids.join(",")
    };
    let rows = rows(meant);
    let data: Vec<String> = rows.values().map(|values| format!("{values:?}")).collect();
    format!(
        "{{\"type\":\"OTU table\",\"matrix_type\":\"dense\",\"shape\":[{},{}],\"rows\":[{}],\
         \"columns\":[{}],\"data\":[{}]}}",
        rows.len(),
        meant.samples.len(),
        ids(&mut rows.keys()),
        ids(&mut meant.samples.iter()),
        data.join(",")
    )
}

/// The table as a spreadsheet (`.ods`).
#[cfg(feature = "containers")]
fn workbook(lines: &[Vec<String>]) -> Vec<u8> {
    let mut sheet = String::from("<d><table:table table:name=\"a\">");
    for line in lines {
        sheet += "<table:table-row>";
        for cell in line {
            let cell = match cell.parse::<f64>() {
                Ok(_) => format!(
                    "<table:table-cell office:value-type=\"float\" office:value=\"{cell}\"/>"
                ),
                Err(_) => format!("<table:table-cell><text:p>{cell}</text:p></table:table-cell>"),
            };
            sheet += &cell;
        }
        sheet += "</table:table-row>";
    }
    sheet += "</table:table></d>";
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in [
        ("META-INF/manifest.xml", "<m/>"),
        ("content.xml", sheet.as_str()),
    ] {
        zip.start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The table through its door.
fn read(
    meant: &Meant,
    style: &Style,
    header: bool,
    options: &ReadOptions,
) -> donormatch::Result<ProfileTable> {
    let written = || text(meant, style, header);
    match style.door {
        Door::Text => read_bytes(written().as_bytes(), options),
        Door::Gzip => read_bytes(&packed(&written()), options),
        Door::DecimalComma => {
            let mut options = options.clone();
            options.decimal = Decimal::Comma;
            read_bytes(written().as_bytes(), &options)
        }
        Door::Frame => frame(&cells(meant, style)).to_profiles(options),
        Door::BiomJson => read_bytes(biom(meant).as_bytes(), options),
        #[cfg(feature = "containers")]
        Door::Workbook => read_bytes(&workbook(&cells(meant, style)), options),
        #[cfg(not(feature = "containers"))]
        Door::Workbook => unreachable!("workbooks are not drawn"),
    }
}

/// Whether the table is the one that was meant.
fn is_meant(table: &ProfileTable, meant: &Meant) -> Result<(), String> {
    if table.unit() != meant.unit {
        return Err(format!("unit {}", table.unit()));
    }
    let samples: Vec<&str> = table.samples().iter().map(AsRef::as_ref).collect();
    if samples != meant.samples {
        return Err(format!("samples {samples:?}"));
    }
    if table.n_taxa() != meant.taxa.len() {
        return Err(format!("{} taxa", table.n_taxa()));
    }
    for (row, (columns, values)) in table.abundance().rows().enumerate() {
        let mut known = 0.0;
        for (label, expected) in &meant.taxa {
            let column = table.taxa().iter().position(|taxon| taxon.label() == label);
            let column = column.ok_or_else(|| format!("no `{label}`"))?;
            let found = columns.iter().position(|&at| at as usize == column);
            let found = found.map_or(0.0, |at| values[at]);
            if found.to_bits() != expected[row].to_bits() {
                return Err(format!("`{label}`: {found}, not {}", expected[row]));
            }
            known += found;
        }
        let above = meant.above[row];
        let whole = meant.unit.total().unwrap_or(known + above);
        let unclassified = table.unclassified()[row];
        if (unclassified - above / whole).abs() > 1e-9 {
            return Err(format!(
                "unclassified {unclassified}, not {}",
                above / whole
            ));
        }
    }
    if meant.filtered && table.completeness() == Completeness::Complete {
        return Err("filtered, read as complete".to_owned());
    }
    Ok(())
}

/// Reads a table and follows the advice of each refusal; counts the refusals by reason.
fn check(meant: &Meant, style: &Style, refusals: &mut BTreeMap<&'static str, usize>) {
    let mut options = ReadOptions::default();
    let mut header = style.header;
    for _ in 0..5 {
        let written = format!("{:?}\n{}", style.door, text(meant, style, header));
        let message = match read(meant, style, header, &options) {
            Ok(table) => {
                // A single sample without a header is named after its file.
                let named = Meant {
                    samples: if header || meant.samples.len() > 1 {
                        meant.samples.clone()
                    } else {
                        vec!["sample".to_owned()]
                    },
                    taxa: meant.taxa.clone(),
                    above: meant.above.clone(),
                    ..*meant
                };
                let meant = is_meant(&table, &named);
                assert!(meant.is_ok(), "{}\n{written}", meant.unwrap_err());
                return;
            }
            Err(error) => error.to_string(),
        };
        let reason = if message.contains("header is missing") {
            header = true;
            "header"
        } else if message.contains("set `ranks`") {
            let ranks = if meant.repeated {
                Ranks::Repeated
            } else {
                Ranks::Disjoint
            };
            options.ranks = Some(ranks);
            "ranks"
        } else if message.contains("set `unit`") {
            options.unit = Some(meant.unit);
            "unit"
        } else if message.contains("`ignore_columns`") {
            options.ignore_columns = Some(vec!["Confidence".to_owned()]);
            "columns"
        } else if message.contains("`empty_samples`") {
            *refusals.entry("empty sample").or_default() += 1;
            return;
        } else {
            panic!("{message}\n{written}");
        };
        *refusals.entry(reason).or_default() += 1;
    }
    panic!(
        "the advice does not lead to the table\n{}",
        text(meant, style, header)
    );
}

#[test]
fn a_table_that_is_read_is_the_one_that_was_written() {
    let n_tables = std::env::var("DONORMATCH_TABLES")
        .ok()
        .map_or(500, |n| n.parse::<u64>().unwrap());
    let mut refusals = BTreeMap::new();
    for seed in 0..n_tables {
        let mut rng = Draws(seed);
        let meant = draw(&mut rng);
        let style = style(&mut rng, &meant);
        check(&meant, &style, &mut refusals);
    }
    eprintln!("{n_tables} tables, refusals: {refusals:?}");
}
