//! What the files of a crate import from each other, read from their text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A module by the names on its path; the crate itself is the empty one.
pub(super) type Module = Vec<String>;

/// The files of a crate by their modules, without comments and tests.
pub(super) struct Source {
    text: BTreeMap<Module, String>,
    /// What `pub use` gives another name, by module and name.
    reexports: BTreeMap<(Module, String), Vec<String>>,
}

impl Source {
    pub(super) fn read(src: &Path) -> Self {
        let mut text = BTreeMap::new();
        collect(src, &mut Vec::new(), &mut text);
        let mut source = Self {
            text,
            reexports: BTreeMap::new(),
        };
        let mut reexports = BTreeMap::new();
        for (module, text) in &source.text {
            for (path, _) in uses(text).into_iter().filter(|(_, is_public)| *is_public) {
                if let Some(path) = source.absolute(module, &path)
                    && let Some(name) = path.last().cloned()
                {
                    reexports.insert((module.clone(), name), path);
                }
            }
        }
        source.reexports = reexports;
        source
    }

    pub(super) fn modules(&self) -> impl Iterator<Item = &Module> {
        self.text.keys()
    }

    /// The paths that a file names inside the crate, from the root: what it imports and what it
    /// writes out. What it hands on by `pub use` counts only if its own code uses it too.
    pub(super) fn paths_named(&self, module: &Module) -> Vec<Vec<String>> {
        let text = &self.text[module];
        let code = without_uses(text);
        let words: BTreeSet<&str> = code.split(|c: char| !is_word(c)).collect();
        let mut named = Vec::new();
        for (path, is_public) in uses(text) {
            let is_used = |path: &Vec<String>| {
                path.last()
                    .is_some_and(|name| words.contains(name.as_str()))
            };
            named.extend(
                self.absolute(module, &path)
                    .filter(|path| !is_public || is_used(path)),
            );
        }
        for path in written_paths(&code) {
            named.extend(self.absolute(module, &path));
        }
        named
    }

    /// The files that a file imports from.
    pub(super) fn imports(&self, module: &Module) -> BTreeSet<Module> {
        let named = self.paths_named(module).into_iter();
        let mut files: BTreeSet<Module> = named.map(|path| self.file_of(path)).collect();
        files.remove(module);
        files
    }

    /// The file that defines what a path from the root names, through all `pub use`.
    fn file_of(&self, mut path: Vec<String>) -> Module {
        // A re-export that leads back to itself would end here.
        for _ in 0..20 {
            let n = (0..=path.len())
                .rev()
                .find(|&n| self.text.contains_key(&path[..n]))
                .unwrap_or(0);
            let module = path[..n].to_vec();
            let Some(name) = path.get(n) else {
                return module;
            };
            match self.reexports.get(&(module.clone(), name.clone())) {
                Some(target) => path = [target.clone(), path[n + 1..].to_vec()].concat(),
                None => return module,
            }
        }
        Vec::new()
    }

    /// A path from the root; none for another crate's.
    fn absolute(&self, module: &Module, path: &str) -> Option<Vec<String>> {
        let mut parts: Vec<String> = path
            .split("::")
            .map(|part| part.trim().to_owned())
            .collect();
        let mut base = module.clone();
        match parts[0].as_str() {
            "crate" => {
                base.clear();
                parts.remove(0);
            }
            "self" => {
                parts.remove(0);
            }
            "super" => {
                while parts.first().is_some_and(|part| part == "super") {
                    base.pop();
                    parts.remove(0);
                }
            }
            child => {
                let inner = [base.clone(), vec![child.to_owned()]].concat();
                if !self.text.contains_key(&inner) {
                    return None;
                }
            }
        }
        Some([base, parts].concat())
    }

    /// Groups of two or more files each of which leads to every other: the rings.
    pub(super) fn rings(&self) -> Vec<BTreeSet<Module>> {
        let imports: BTreeMap<&Module, BTreeSet<Module>> = self
            .modules()
            .map(|module| (module, self.imports(module)))
            .collect();
        let reached: BTreeMap<&Module, BTreeSet<Module>> = self
            .modules()
            .map(|module| (module, reachable(module, &imports)))
            .collect();
        let rings = self.modules().filter_map(|module| {
            let ring: BTreeSet<Module> = reached[module]
                .iter()
                .filter(|other| reached[other].contains(module))
                .cloned()
                .collect();
            (ring.len() > 1).then_some(ring)
        });
        rings.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

fn reachable(from: &Module, imports: &BTreeMap<&Module, BTreeSet<Module>>) -> BTreeSet<Module> {
    let mut reached = BTreeSet::new();
    let mut ahead: Vec<&Module> = imports[from].iter().collect();
    while let Some(module) = ahead.pop() {
        if reached.insert(module.clone()) {
            ahead.extend(&imports[module]);
        }
    }
    reached
}

/// The files below a folder, except those of tests.
fn collect(folder: &Path, module: &mut Module, text: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name == "tests" || name.ends_with("_tests") {
            continue;
        }
        if path.is_dir() {
            module.push(name);
            collect(&path, module, text);
            module.pop();
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let is_folder = ["lib", "mod"].contains(&name.as_str());
            let inner = if is_folder { None } else { Some(name) };
            let key: Module = module.iter().cloned().chain(inner).collect();
            text.insert(key, without_tests(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The code before the module of tests, comments and declarations of modules left out.
fn without_tests(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let is_tests = |pair: &[&str]| {
        pair[0].trim() == "#[cfg(test)]" && pair[1].contains("mod ") && pair[1].ends_with('{')
    };
    let end = lines.windows(2).position(is_tests).unwrap_or(lines.len());
    lines[..end]
        .iter()
        .map(|line| line.split("//").next().unwrap_or_default())
        .filter(|line| !(line.contains("mod ") && line.trim_end().ends_with(';')))
        .collect::<Vec<_>>()
        .join("\n")
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The statements between `use` and `;`: where each starts and ends, and whether it is public.
fn use_statements(text: &str) -> Vec<(usize, usize, bool)> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start();
        let is_public = trimmed.starts_with("pub");
        let tail = match trimmed.strip_prefix("pub") {
            Some(rest) => rest
                .strip_prefix('(')
                .and_then(|rest| rest.split_once(')'))
                .map_or(rest, |(_, rest)| rest),
            None => trimmed,
        };
        if tail.trim_start().starts_with("use ") {
            let at = start + line.find("use ").unwrap() + 4;
            let end = at + text[at..].find(';').unwrap();
            found.push((at, end, is_public));
        }
        start += line.len();
    }
    found
}

/// The paths of all `use`, groups taken apart, and whether each is public.
fn uses(text: &str) -> Vec<(String, bool)> {
    use_statements(text)
        .into_iter()
        .flat_map(|(start, end, is_public)| {
            let paths = ungrouped(&text[start..end]);
            paths.into_iter().map(move |path| (path, is_public))
        })
        .collect()
}

fn without_uses(text: &str) -> String {
    let mut code = String::new();
    let mut from = 0;
    for (start, end, _) in use_statements(text) {
        code.push_str(&text[from..start]);
        from = end;
    }
    code + &text[from..]
}

/// `a::{b, c::{d, e as f}}` → `a::b`, `a::c::d`, `a::c::e`.
pub(super) fn ungrouped(path: &str) -> Vec<String> {
    let path = path.trim();
    let Some((head, group)) = path.split_once('{') else {
        let plain = path.split(" as ").next().unwrap_or_default().trim();
        let plain = plain.trim_end_matches("::*").trim_end_matches("::self");
        return vec![plain.to_owned()];
    };
    let group = &group[..group.rfind('}').unwrap()];
    let (mut depth, mut from, mut items) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    items.push(&group[from..]);
    let items = items.into_iter().filter(|item| !item.trim().is_empty());
    items
        .flat_map(|item| ungrouped(&format!("{head}{}", item.trim())))
        .collect()
}

/// Paths of two words or more that code writes out: `super::check(…)`, `shallow::ROWS`.
fn written_paths(code: &str) -> Vec<String> {
    code.split(|c: char| !(is_word(c) || c == ':'))
        .filter(|path| path.contains("::"))
        .map(|path| path.trim_matches(':').to_owned())
        .filter(|path| !path.is_empty())
        .collect()
}
