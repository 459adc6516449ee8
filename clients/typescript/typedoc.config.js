import { OptionDefaults } from "typedoc";

/** @type {Partial<import("typedoc").TypeDocOptions>} */
export default {
  entryPoints: ["src/index.ts"],
  out: "../../build/docs/clients/typescript",
  // The generator's mark, with the name that the contract has for a thing.
  blockTags: [...OptionDefaults.blockTags, "@generated"],
  excludeTags: [...OptionDefaults.excludeTags, "@generated"],
  // Links into the sources need a remote, which not every checkout has; a warning of that would be an error.
  disableSources: true,
  treatWarningsAsErrors: true,
  logLevel: "Warn",
};
