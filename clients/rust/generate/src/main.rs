//! A protoc plugin: messages as prost writes them and clients as tonic does, and of every request whether it has a
//! `request_id`. Secrets do not show in `{:?}`.

mod comments;
mod redacted;
mod requests;

use std::collections::HashSet;
use std::io::{Read, Write, stdin, stdout};

use prost::Message;
use prost_build::{Config, Module};
use prost_types::FileDescriptorProto;
use prost_types::compiler::code_generator_response::{Feature, File};
use prost_types::compiler::{CodeGeneratorRequest, CodeGeneratorResponse};

type Anything = Box<dyn std::error::Error>;

fn main() -> Result<(), Anything> {
    let mut asked = Vec::new();
    stdin().read_to_end(&mut asked)?;
    stdout().write_all(&generate(&asked)?.encode_to_vec())?;
    Ok(())
}

/// Answers a `CodeGeneratorRequest` with one file of code for each package.
fn generate(asked: &[u8]) -> Result<CodeGeneratorResponse, Anything> {
    let request = CodeGeneratorRequest::decode(asked)?;
    let redacted = redacted::messages(&request.proto_file);
    let mut config = Config::new();
    config.extern_path(".google.rpc.Status", "::tonic_types::Status");
    config.skip_debug(redacted.iter().map(|message| message.path()));
    config.service_generator(Box::new(requests::Clients::new(&request.proto_file)));
    let module = |file: &FileDescriptorProto| Module::from_protobuf_package_name(file.package());
    let wanted: HashSet<Module> = request
        .proto_file
        .iter()
        .filter(|file| request.file_to_generate.iter().any(|name| name == file.name()))
        .map(module)
        .collect();
    // All of them: prost-build looks into the messages of other packages, too.
    let files = request.proto_file.into_iter().map(|file| (module(&file), file)).collect();
    let mut answer =
        CodeGeneratorResponse { supported_features: Some(Feature::Proto3Optional as u64), ..Default::default() };
    for (module, mut code) in config.generate(files)? {
        if !wanted.contains(&module) {
            continue;
        }
        for message in redacted.iter().filter(|message| message.module() == module) {
            code.push_str(&message.debug());
        }
        answer.file.push(File {
            name: Some(module.to_file_name_or("root")),
            content: Some(comments::fenced(&code)),
            ..Default::default()
        });
    }
    Ok(answer)
}
