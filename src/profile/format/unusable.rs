//! Known files that hold no profile, with what to give instead.

use super::{cami, kraken};

/// How such files begin.
const STARTS: [(&[u8], &str); 21] = [
    (b"BZh", "bzip2 is not undone: unpack it first"),
    (
        b"\xfd7zXZ\0",
        "xz is not undone: unpack it first (R objects: write a table from R)",
    ),
    (b"\x28\xb5\x2f\xfd", "zstd is not undone: unpack it first"),
    (
        b"RDX",
        "an R workspace: write its tables from R with `write.table`",
    ),
    (
        b"X\n",
        "an R object: write its table from R with `write.table`",
    ),
    (
        b"FEA1",
        "Feather of version 1: write it with version 2 (`pyarrow.feather.write_feather`)",
    ),
    (
        b"\xd0\xcf\x11\xe0",
        "a workbook of Excel 97 (`.xls`): save it as `.xlsx`, or its sheet as CSV",
    ),
    (
        b"# Gene Family",
        "gene families of HUMAnN are no taxa: give the profile of MetaPhlAn that HUMAnN leaves in \
         its folder of temporary files (`…_metaphlan_bugs_list.tsv`)",
    ),
    (
        b"# Pathway",
        "pathways of HUMAnN are no taxa: give the profile of MetaPhlAn that HUMAnN leaves in its \
         folder of temporary files (`…_metaphlan_bugs_list.tsv`)",
    ),
    (
        b"# Reaction",
        "reactions of HUMAnN are no taxa: give the profile of MetaPhlAn that HUMAnN leaves in its \
         folder of temporary files (`…_metaphlan_bugs_list.tsv`)",
    ),
    (b"@HD\t", ALIGNMENTS),
    (b"@SQ\tSN:", ALIGNMENTS),
    (b"@PG\tID:", ALIGNMENTS),
    (b"@RG\tID:", ALIGNMENTS),
    (b"BAM\x01", ALIGNMENTS),
    (b"CRAM", ALIGNMENTS),
    (
        b">",
        "sequences (FASTA), such as markers of StrainPhlAn or an alignment: give the profile of \
         MetaPhlAn, or the table of features beside them",
    ),
    (
        b"#NEXUS",
        "a tree or an alignment, such as one of StrainPhlAn, not a table of profiles",
    ),
    (
        b"ID\tMin_dist",
        "distances between strains are no profiles: give the profile of MetaPhlAn",
    ),
    (b"%PDF", "a document, not a table of profiles"),
    (
        b"Sample_file\tGenome_file\tAdjusted_ANI",
        "the output of `sylph query` holds no abundances: run `sylph profile`",
    ),
];

const ALIGNMENTS: &str = "alignments of reads (SAM, BAM or CRAM) are no profile: give what the \
                          profiler made of them, such as MetaPhlAn's table of clades";

/// What to do with a file that is known and is no profile.
pub(super) fn what(head: &[u8]) -> Option<String> {
    if let Some((_, message)) = STARTS.iter().find(|(start, _)| head.starts_with(start)) {
        return Some((*message).to_owned());
    }
    let message = if kraken::is_read_by_read(head) {
        "Kraken's output read by read: give its report (`--report`)"
    } else if head.trim_ascii_start().starts_with(b"(") {
        "a tree, not a table of profiles"
    } else if is_reads(head) {
        "sequencing reads (FASTQ) are no profile: give what a profiler made of them"
    } else if is_alignment(head) {
        ALIGNMENTS
    } else if is_markers(head) {
        "markers of MetaPhlAn are no taxa: run it with the analysis type `rel_ab`, or give its \
         table of clades"
    } else if is_families(head) {
        "gene families and pathways are no taxa: give the table of taxa of the same samples"
    } else {
        return None;
    };
    Some(message.to_owned())
}

fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// Four lines a read, the third of which begins with `+`.
fn is_reads(head: &[u8]) -> bool {
    head.starts_with(b"@")
        && !cami::is_cami(head)
        && lines(head)
            .nth(2)
            .is_some_and(|line| line.starts_with(b"+"))
}

/// Lines of eleven fields or more: a read, flags, a reference, a place, a quality, a CIGAR.
fn is_alignment(head: &[u8]) -> bool {
    let first = lines(head).next().unwrap_or_default();
    let fields: Vec<&[u8]> = first.split(|&byte| byte == b'\t').collect();
    let is_number = |at: usize| {
        let field = fields.get(at).copied().unwrap_or_default();
        !field.is_empty() && field.iter().all(u8::is_ascii_digit)
    };
    let is_cigar = fields.get(5).is_some_and(|field| {
        *field == b"*"
            || field.first().is_some_and(u8::is_ascii_digit)
                && field.last().is_some_and(|byte| b"MIDNSHP=X".contains(byte))
    });
    fields.len() >= 11 && is_number(1) && is_number(3) && is_number(4) && is_cigar
}

/// Labels such as `239935__A0A174__UniRef90`, or `SGB9226|markers`, all of one table.
fn is_markers(head: &[u8]) -> bool {
    let is_marker = |line: &[u8]| {
        let label = line.split(|&byte| byte == b'\t').next().unwrap_or_default();
        let mut parts = label.splitn(2, |&byte| byte == b'_');
        let id = parts.next().unwrap_or_default();
        let rest = parts.next().unwrap_or_default();
        let is_id = !id.is_empty()
            && id
                .strip_prefix(b"UniRef90")
                .unwrap_or(id)
                .iter()
                .all(u8::is_ascii_digit);
        is_id
            && rest.starts_with(b"_")
            && rest.len() > 4
            && rest
                .get(1..)
                .is_some_and(|rest| memchr::memmem::find(rest, b"__").is_some())
    };
    let rows = lines(head).filter(|line| !line.is_empty() && !line.starts_with(b"#"));
    let rows: Vec<&[u8]> = rows.skip(1).take(20).collect();
    // The last of them may be cut.
    rows.len() > 1 && rows.iter().all(|row| is_marker(row))
}

/// Labels of UniRef, KEGG or MetaCyc in a table that lost its first line.
fn is_families(head: &[u8]) -> bool {
    let is_family = |line: &[u8]| {
        line.starts_with(b"UniRef90_")
            || line.starts_with(b"UniRef50_")
            || memchr::memmem::find(line, b"PWY-").is_some_and(|at| at < 12)
    };
    let rows: Vec<&[u8]> = lines(head)
        .filter(|line| !line.is_empty())
        .skip(1)
        .take(10)
        .collect();
    let n = rows.iter().filter(|row| is_family(row)).count();
    n > 0 && n * 2 > rows.len()
}
