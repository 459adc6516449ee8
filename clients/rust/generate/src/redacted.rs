//! Messages with fields that are not to be shown: read here, since prost's descriptors leave `debug_redact` out.

use prost::{DecodeError, Message};
use prost_build::Module;

/// A message with secrets, and the package that it belongs to.
pub struct Redacted {
    package: String,
    message: DescriptorProto,
}

/// Reads a `CodeGeneratorRequest` and returns all of its messages with secrets. Those inside another are not looked at.
pub fn messages(asked: &[u8]) -> Result<Vec<Redacted>, DecodeError> {
    let request = CodeGeneratorRequest::decode(asked)?;
    let mut found = Vec::new();
    for FileDescriptorProto { package, messages } in request.files {
        let secret = messages.into_iter().filter(|message| message.fields.iter().any(FieldDescriptorProto::is_secret));
        found.extend(secret.map(|message| Redacted { package: package.clone(), message }));
    }
    Ok(found)
}

impl Redacted {
    /// Its name as prost-build selects messages: with the package, and a dot before it.
    pub fn path(&self) -> String {
        format!(".{}.{}", self.package, self.message.name)
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
            self.message.name
        );
        for field in &self.message.fields {
            let (name, shown) = (&field.name, if field.is_secret() { "\"[redacted]\"" } else { "" });
            let value = match shown {
                "" => format!("&self.{name}"),
                shown => format!("if self.{name}.is_empty() {{ &\"\" }} else {{ &{shown} }}"),
            };
            code.push_str(&format!("            .field(\"{name}\", {value})\n"));
        }
        code + "            .finish()\n    }\n}\n"
    }
}

impl FieldDescriptorProto {
    fn is_secret(&self) -> bool {
        self.options.is_some_and(|options| options.debug_redact)
    }
}

// What matters here of google/protobuf/compiler/plugin.proto and descriptor.proto, under the same tags.

#[derive(Message)]
struct CodeGeneratorRequest {
    #[prost(message, repeated, tag = "15")]
    files: Vec<FileDescriptorProto>,
}

#[derive(Message)]
struct FileDescriptorProto {
    #[prost(string, tag = "2")]
    package: String,
    #[prost(message, repeated, tag = "4")]
    messages: Vec<DescriptorProto>,
}

#[derive(Message)]
struct DescriptorProto {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    fields: Vec<FieldDescriptorProto>,
}

#[derive(Message)]
struct FieldDescriptorProto {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "8")]
    options: Option<FieldOptions>,
}

#[derive(Clone, Copy, Message)]
struct FieldOptions {
    #[prost(bool, tag = "16")]
    debug_redact: bool,
}
