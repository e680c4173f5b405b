//! Newick trees, read without recursion: the depth of a file never becomes the depth of a stack.
use serde::{Deserialize, Serialize};

use super::ReadLimits;
use crate::stored::checked_serde;
use crate::{Error, Result};

/// A rooted tree as three arrays: node 0 is the root, parents come before their children.
///
/// # Examples
/// ```
/// use donormatch::profile::{ReadLimits, Tree};
///
/// let tree = Tree::parse(b"((a:1,b:2)0.9:0.5,'c d':3);", &ReadLimits::default())?;
/// assert_eq!(tree.tips().count(), 3);
/// assert_eq!(tree.total_length(), 6.5);
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Tree {
    parent: Vec<u32>,
    length: Vec<Option<f64>>,
    label: Vec<String>,
    is_tip: Vec<bool>,
}

checked_serde!(Tree);

impl Tree {
    /// Reads one tree from text.
    ///
    /// Comments in `[…]` are passed over, quoted labels may hold anything (`''` for `'`), an
    /// underscore is kept as it is, inner labels may be anything (`0.985.6`), lengths may be
    /// negative, in exponent form or absent.
    ///
    /// # Errors
    /// [`Error::Table`] naming the byte at which the text is not a tree, a second tree, or a tree
    /// of more nodes than `limits.nodes`.
    pub fn parse(text: &[u8], limits: &ReadLimits) -> Result<Self> {
        Parser::new(text, limits).parse().map_err(Error::table)
    }

    /// Number of nodes, tips and inner ones.
    pub fn n_nodes(&self) -> usize {
        self.parent.len()
    }

    /// The parent of each node; the root is its own.
    pub fn parent(&self) -> &[u32] {
        &self.parent
    }

    /// The length of the branch above each node, where the text gave one.
    pub fn length(&self) -> &[Option<f64>] {
        &self.length
    }

    /// The label of each node, empty where there is none.
    pub fn label(&self) -> &[String] {
        &self.label
    }

    /// Whether a node has no children.
    pub fn is_tip(&self, node: usize) -> bool {
        self.is_tip.get(node).copied().unwrap_or(false)
    }

    /// The tips, by node and label, in the order of the text.
    pub fn tips(&self) -> impl Iterator<Item = (usize, &str)> + '_ {
        self.label
            .iter()
            .enumerate()
            .filter(|(node, _)| self.is_tip(*node))
            .map(|(node, label)| (node, label.as_str()))
    }

    /// The sum of all branch lengths.
    pub fn total_length(&self) -> f64 {
        self.length.iter().flatten().sum()
    }

    fn check_stored(&self) -> Result<()> {
        let n_nodes = self.parent.len();
        let lengths = [self.length.len(), self.label.len(), self.is_tip.len()];
        if n_nodes == 0 || lengths != [n_nodes; 3] {
            return Err(Error::table(format!(
                "the arrays of a tree of {n_nodes} nodes differ in length, or it has none"
            )));
        }
        let mut is_tip = vec![true; n_nodes];
        for (node, &parent) in self.parent.iter().enumerate() {
            if parent as usize >= node.max(1) {
                return Err(Error::table(format!(
                    "node {node} of a tree has parent {parent}, which does not come before it"
                )));
            }
            if node > 0 {
                is_tip[parent as usize] = false;
            }
        }
        if is_tip != self.is_tip {
            return Err(Error::table(
                "the tips of a tree are not its nodes without children",
            ));
        }
        if self.total_length().is_finite() {
            Ok(())
        } else {
            Err(Error::table("a branch length of a tree is not finite"))
        }
    }

    fn push(&mut self, parent: u32) -> u32 {
        let node = self.parent.len() as u32;
        self.parent.push(parent);
        self.length.push(None);
        self.label.push(String::new());
        self.is_tip.push(true);
        node
    }
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// A subtree: `(`, or a tip's label.
    Subtree,
    /// The label of the node just opened or closed.
    Label,
    /// `:`, `,`, `)` or `;`.
    AfterLabel,
    /// `,`, `)` or `;`.
    AfterLength,
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    limits: &'a ReadLimits,
    tree: Tree,
    node: u32,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a [u8], limits: &'a ReadLimits) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        Self {
            text,
            at: 0,
            limits,
            tree: Tree {
                parent: vec![],
                length: vec![],
                label: vec![],
                is_tip: vec![],
            },
            node: 0,
            depth: 0,
        }
    }

    fn parse(mut self) -> Result<Tree, String> {
        self.skip_blanks()?;
        if self.peek() != Some(b'(') {
            return Err(self.expected("a tree that begins with `(`"));
        }
        self.node = self.tree.push(0);
        let mut expect = Expect::Subtree;
        loop {
            self.skip_blanks()?;
            expect = match (self.peek(), expect) {
                (Some(b'('), Expect::Subtree) => self.open()?,
                (_, Expect::Subtree | Expect::Label) => self.read_label()?,
                (Some(b':'), Expect::AfterLabel) => self.read_length()?,
                (Some(b','), _) if self.depth > 0 => self.sibling()?,
                (Some(b')'), _) if self.depth > 0 => self.close(),
                (Some(b';'), _) if self.depth == 0 => return self.end(),
                _ => return Err(self.expected("`,`, `)` or `;`")),
            };
        }
    }

    fn open(&mut self) -> Result<Expect, String> {
        self.at += 1;
        self.depth += 1;
        if let Some(is_tip) = self.tree.is_tip.get_mut(self.node as usize) {
            *is_tip = false;
        }
        self.child(self.node)?;
        Ok(Expect::Subtree)
    }

    fn sibling(&mut self) -> Result<Expect, String> {
        self.at += 1;
        self.child(self.parent_of_node())?;
        Ok(Expect::Subtree)
    }

    fn close(&mut self) -> Expect {
        self.at += 1;
        self.depth -= 1;
        self.node = self.parent_of_node();
        Expect::Label
    }

    fn end(mut self) -> Result<Tree, String> {
        self.at += 1;
        self.skip_blanks()?;
        match self.peek() {
            None => Ok(self.tree),
            Some(b'(') => Err("a second tree in the text: give one tree a file".to_owned()),
            Some(_) => Err(self.expected("the end of the text after `;`")),
        }
    }

    fn child(&mut self, parent: u32) -> Result<(), String> {
        if self.tree.n_nodes() >= self.limits.nodes.min(u32::MAX as usize) {
            return Err(format!(
                "more than the {} nodes that `limits.nodes` allows",
                self.limits.nodes
            ));
        }
        self.node = self.tree.push(parent);
        Ok(())
    }

    fn parent_of_node(&self) -> u32 {
        self.tree
            .parent
            .get(self.node as usize)
            .copied()
            .unwrap_or(0)
    }

    fn read_label(&mut self) -> Result<Expect, String> {
        let label = if self.peek() == Some(b'\'') {
            self.quoted()?
        } else {
            self.unquoted()
        };
        if label.len() > self.limits.label_bytes {
            return Err(format!(
                "byte {}: a label of {} bytes, more than `limits.label_bytes`",
                self.at,
                label.len()
            ));
        }
        let text = String::from_utf8(label)
            .map_err(|_| format!("byte {}: a label that is not UTF-8", self.at))?;
        if let Some(slot) = self.tree.label.get_mut(self.node as usize) {
            *slot = text;
        }
        Ok(Expect::AfterLabel)
    }

    fn unquoted(&mut self) -> Vec<u8> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest
            .iter()
            .position(|byte| b"(),:;[]".contains(byte))
            .unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default().trim_ascii().to_vec()
    }

    fn quoted(&mut self) -> Result<Vec<u8>, String> {
        let start = self.at;
        self.at += 1;
        let mut label = Vec::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(end) = memchr::memchr(b'\'', rest) else {
                return Err(format!("byte {start}: a quoted label does not end"));
            };
            label.extend_from_slice(rest.get(..end).unwrap_or_default());
            self.at += end + 1;
            if self.peek() != Some(b'\'') {
                return Ok(label);
            }
            label.push(b'\'');
            self.at += 1;
        }
    }

    fn read_length(&mut self) -> Result<Expect, String> {
        self.at += 1;
        self.skip_blanks()?;
        let start = self.at;
        let word = self.unquoted();
        let length = std::str::from_utf8(&word)
            .ok()
            .and_then(|text| text.parse::<f64>().ok())
            .filter(|length| length.is_finite());
        let Some(length) = length else {
            return Err(format!("byte {start}: expected a finite branch length"));
        };
        if let Some(slot) = self.tree.length.get_mut(self.node as usize) {
            *slot = Some(length);
        }
        Ok(Expect::AfterLength)
    }

    /// Blanks, and comments in brackets, which may be nested.
    fn skip_blanks(&mut self) -> Result<(), String> {
        loop {
            match self.peek() {
                Some(byte) if byte.is_ascii_whitespace() => self.at += 1,
                Some(b'[') => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn skip_comment(&mut self) -> Result<(), String> {
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'[' => depth += 1,
                b']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(());
            }
        }
        Err(format!("byte {start}: a comment does not end"))
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn expected(&self, what: &str) -> String {
        match self.peek() {
            Some(byte) => format!(
                "byte {}: expected {what}, found `{}`",
                self.at,
                char::from(byte).escape_default()
            ),
            None => format!("expected {what}, found the end of the text"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Tree> {
        Tree::parse(text.as_bytes(), &ReadLimits::default())
    }

    #[test]
    fn quotes_comments_and_odd_labels_are_read() {
        let tree =
            parse("\u{feff} [a tree]\n(('it''s; (a)':1e-2,b_c:-0.5[x[y]])0.985.6:2,\r\nd)root;\n")
                .unwrap();
        let tips: Vec<&str> = tree.tips().map(|(_, label)| label).collect();
        assert_eq!(tips, ["it's; (a)", "b_c", "d"]);
        assert_eq!(tree.label()[0], "root");
        assert_eq!(tree.label()[1], "0.985.6");
        assert_eq!(tree.parent(), [0, 0, 1, 1, 0]);
        assert_eq!(
            tree.length(),
            [None, Some(2.0), Some(0.01), Some(-0.5), None]
        );
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        for text in [
            "",
            "a;",
            "(a,b",
            "(a,b));",
            "(a,b):x;",
            "(a:1e400);",
            "(a,b);(c,d);",
            "('a,b);",
            "(a,b)[;",
            "(a b c",
            "(a(b));",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_tree_a_million_deep_is_read_or_refused_by_its_nodes() {
        let depth = 1_000_000;
        let text = format!("{}a{};", "(".repeat(depth), ")".repeat(depth));
        let tree = parse(&text).unwrap();
        assert_eq!(tree.n_nodes(), depth + 1);
        assert_eq!(tree.tips().count(), 1);
        let limits = ReadLimits {
            nodes: 1_000,
            ..ReadLimits::default()
        };
        assert!(Tree::parse(text.as_bytes(), &limits).is_err());
        assert!(parse(&"(".repeat(depth)).is_err());
    }

    #[test]
    fn a_broken_tree_is_not_deserialized() {
        let tree = Tree::parse(b"((a:1,b:2):0.5,c:3);", &ReadLimits::default()).unwrap();
        let text = serde_json::to_string(&tree).unwrap();
        assert_eq!(serde_json::from_str::<Tree>(&text).unwrap(), tree);
        for (from, to, reason) in [
            (
                r#""parent":[0,0,"#,
                r#""parent":[0,1,"#,
                "does not come before",
            ),
            (r#""is_tip":[false,"#, r#""is_tip":[true,"#, "tips"),
            (r#""parent":[0,"#, r#""parent":["#, "differ in length"),
        ] {
            let broken = text.replacen(from, to, 1);
            assert_ne!(broken, text, "{from}");
            let error = serde_json::from_str::<Tree>(&broken).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
