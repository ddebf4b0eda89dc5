// The code between the host and a plugin's functions.
import { Host, Memory } from "@extism/as-pdk";
import { error_set } from "@extism/as-pdk/lib/env";
import { JSON } from "json-as";
import { Request, Response, ValidateRequest, ValidateResponse } from "./messages";

/** Runs a derivation: the body of the export `derive`. */
export function serve(derive: (request: Request, response: Response) => void): i32 {
  const response = new Response();
  derive(JSON.parse<Request>(Host.inputString()), response);
  answer(JSON.stringify(response));
  return 0;
}

/** Runs a check of settings: the body of the export `validate`. */
export function serveValidate(validate: (request: ValidateRequest, response: ValidateResponse) => void): i32 {
  const response = new ValidateResponse();
  validate(JSON.parse<ValidateRequest>(Host.inputString()), response);
  answer(JSON.stringify(response));
  return 0;
}

// The PDK's own way to answer with a text counts UTF-16 units for bytes.
function answer(text: string): void {
  Host.output(Uint8Array.wrap(String.UTF8.encode(text)));
}

/** Ends the plugin: what AssemblyScript calls when an exception is thrown. The host shows the message. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const reason = message === null ? "aborted" : message;
  const place = file === null ? "" : " (" + file + ":" + line.toString() + ":" + column.toString() + ")";
  error_set(Memory.allocateString(reason + place).offset);
  unreachable();
}
