import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist", "dist-test", "src/gen", "eslint.config.js", "typedoc.config.js"] },
  eslint.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { project: "./tsconfig.test.json" } },
    rules: {
      "@typescript-eslint/no-unused-vars": ["error", { varsIgnorePattern: "^_" }],
      "@typescript-eslint/require-await": "off", // an async generator that only throws is a stream that breaks
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "require-yield": "off",
    },
  },
);
