// What the error of a turn tells a program.
import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { ErrorInfoSchema, RetryInfoSchema } from "../src/gen/google/rpc/error_details_pb.js";
import { Code, errorIn, StatusSchema } from "../src/index.js";

void test("the error of a turn is read like that of a call", () => {
  const metadata = { limit_kind: "FIVE_HOUR" };
  const info = create(ErrorInfoSchema, { reason: "API_LIMIT_REACHED", domain: "greenroom.v1", metadata });
  const retry = create(RetryInfoSchema, { retryDelay: { seconds: 60n } });
  const details = [anyPack(ErrorInfoSchema, info), anyPack(RetryInfoSchema, retry)];
  const error = errorIn(create(StatusSchema, { code: Code.ResourceExhausted, message: "used up", details }));
  assert.deepEqual(
    [error.code, error.reason, error.retryDelayMs],
    [Code.ResourceExhausted, "API_LIMIT_REACHED", 60_000],
  );
  assert.deepEqual(error.metadata, metadata);
  assert.equal(error.message, "API_LIMIT_REACHED: used up");
});
