//! Messages with secrets: fields whose comment begins with the word `Secret.`, which are not to be shown.
//!
//! Protobuf's own mark, `debug_redact`, is unknown to the compilers of today's distributions (protoc 3.21).

use prost_build::Module;
use prost_types::FileDescriptorProto;
use prost_types::source_code_info::Location;

const MARK: &str = " Secret.";
const MESSAGES: i32 = 4; // field numbers of descriptor.proto, of which the path to a field is made
const FIELDS: i32 = 2;

/// A message with secrets, and the package that it belongs to.
pub struct Redacted {
    package: String,
    name: String,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    is_secret: bool,
}

/// Returns all messages with secrets. Those inside another are not looked at.
pub fn messages(files: &[FileDescriptorProto]) -> Vec<Redacted> {
    files.iter().flat_map(of_file).collect()
}

fn of_file(file: &FileDescriptorProto) -> Vec<Redacted> {
    let locations = file.source_code_info.as_ref().map_or(&[][..], |source| &source.location);
    let marked: Vec<_> = locations.iter().filter(|place| is_marked(place)).map(|place| &place.path[..]).collect();
    let mut found = Vec::new();
    for (number, message) in file.message_type.iter().enumerate() {
        let is_secret = |field| marked.contains(&&[MESSAGES, number as i32, FIELDS, field as i32][..]);
        let named = message.field.iter().enumerate();
        let fields: Vec<_> =
            named.map(|(field, it)| Field { name: it.name().into(), is_secret: is_secret(field) }).collect();
        if fields.iter().any(|field| field.is_secret) {
            found.push(Redacted { package: file.package().into(), name: message.name().into(), fields });
        }
    }
    found
}

fn is_marked(place: &Location) -> bool {
    place.leading_comments().starts_with(MARK)
}

impl Redacted {
    /// Its name as prost-build selects messages: with the package, and a dot before it.
    pub fn path(&self) -> String {
        format!(".{}.{}", self.package, self.name)
    }

    /// The module that its code lies in.
    pub fn module(&self) -> Module {
        Module::from_protobuf_package_name(&self.package)
    }

    /// The code of a `Debug` that shows of a secret whether it is set.
    pub fn debug(&self) -> String {
        let mut code = format!(
            "impl ::core::fmt::Debug for {0} {{\n    \
             fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{\n        \
             f.debug_struct(\"{0}\")\n",
            self.name
        );
        for Field { name, is_secret } in &self.fields {
            let value = if *is_secret {
                format!("if self.{name}.is_empty() {{ &\"\" }} else {{ &\"[redacted]\" }}")
            } else {
                format!("&self.{name}")
            };
            code.push_str(&format!("            .field(\"{name}\", {value})\n"));
        }
        code + "            .finish()\n    }\n}\n"
    }
}
