//! Samples in comments: indented in the contract, which Rust would take for programs and try.

const DOC: &str = "///";
const INDENT: &str = "     "; // of a sample, behind the slashes, and one more

/// Returns the code with each sample in its comments fenced as text, and without what prost escapes in it.
pub fn fenced(code: &str) -> String {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in code.lines() {
        let margin = &line[..line.len() - line.trim_start().len()];
        let sample = line.trim_start().strip_prefix(DOC).and_then(|text| text.strip_prefix(INDENT));
        if sample.is_some() != inside {
            lines.push(format!("{margin}{DOC} ```{}", if inside { "" } else { "text" }));
            inside = !inside;
        }
        lines.push(match sample {
            Some(text) => {
                format!("{margin}{DOC} {}", text.trim_start().replace("\\[", "[").replace("\\]", "]"))
            }
            None => line.to_owned(),
        });
    }
    lines.join("\n") + "\n"
}
