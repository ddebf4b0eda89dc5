// The messages of ABI 1, as the JSON Schemas in abi/schema have them. What a plugin reads through a type of its own, or
// writes as a document, is JSON.Raw: the JSON text of the message, unchanged.
import { JSON } from "json-as";

/** Names one document. */
@json
export class Ref {
  apiVersion: string = "";
  kind: string = "";
  @omitif((self: Ref) => self.namespace.length == 0)
  namespace: string = "";
  name: string = "";
}

/** One derived document. */
@json
export class Output {
  ref: Ref = new Ref();
  document: JSON.Raw = new JSON.Raw("{}");
}

/** Fields for an output that another step owns. */
@json
export class Contribution {
  ref: Ref = new Ref();
  fields: JSON.Raw = new JSON.Raw("{}");
}

/** One message about the resource. */
@json
export class Result {
  /** error, warning or info. */
  severity: string = "";
  @omitif((self: Result) => self.field.length == 0)
  field: string = "";
  message: string = "";
}

/** A value that one step leaves for later ones. */
@json
export class ContextEntry {
  key: string = "";
  value: JSON.Raw = new JSON.Raw("null");
}

/** Asks for other resources. */
@json
export class Requirement {
  name: string = "";
  apiVersion: string = "";
  kind: string = "";
  @omitif((self: Requirement) => self.namespace.length == 0)
  namespace: string = "";
  @omitif((self: Requirement) => self.matchName.length == 0)
  matchName: string = "";
  @omitif((self: Requirement) => self.matchLabels.size == 0)
  matchLabels: Map<string, string> = new Map<string, string>();
}

/** The resources that a requirement asked for. */
@json
export class Answer {
  name: string = "";
  resources: JSON.Raw[] = [];
}

/** Whether and how metrics are kept on the platform. */
@json
export class Monitoring {
  enabled: bool = false;
  highlyAvailable: bool = false;
}

/** Says where the credentials of a registry are. */
@json
export class ImageProvider {
  name: string = "";
  provider: string = "";
  id: string = "";
  key: string = "";
  refreshInterval: string = "";
}

/** Says where outputs will run: the facts that the manifest names; the others are absent. */
@json
export class Platform {
  clusterName: string = "";
  provider: string = "";
  trustDomain: string = "";
  monitoring: Monitoring = new Monitoring();
  appArmor: string = "";
  imageProviders: ImageProvider[] = [];
  queues: string[] = [];
}

/** All that a step may see. */
@json
export class Request {
  abi: i64 = 0;
  step: string = "";
  round: i64 = 0;
  resource: JSON.Raw = new JSON.Raw("{}");
  settings: JSON.Raw = new JSON.Raw("{}");
  platform: Platform = new Platform();
  outputs: Output[] = [];
  context: ContextEntry[] = [];
  answers: Answer[] = [];

  /** The answer to a requirement; null in the first round. */
  answer(name: string): Answer | null {
    for (let i = 0; i < this.answers.length; i++) {
      if (this.answers[i].name == name) return this.answers[i];
    }
    return null;
  }
}

/** What a step answers. */
@json
export class Response {
  @omitif((self: Response) => self.outputs.length == 0)
  outputs: Output[] = [];
  @omitif((self: Response) => self.contributions.length == 0)
  contributions: Contribution[] = [];
  @omitif((self: Response) => self.results.length == 0)
  results: Result[] = [];
  @omitif((self: Response) => self.context.length == 0)
  context: ContextEntry[] = [];
  @omitif((self: Response) => self.requirements.length == 0)
  requirements: Requirement[] = [];

  /** Adds a document that the step owns. */
  emit(apiVersion: string, kind: string, namespace: string, name: string, document: string): void {
    this.outputs.push({ ref: { apiVersion, kind, namespace, name }, document: new JSON.Raw(document) });
  }

  /** Adds fields to a document that another step owns. */
  contribute(apiVersion: string, kind: string, namespace: string, name: string, fields: string): void {
    this.contributions.push({ ref: { apiVersion, kind, namespace, name }, fields: new JSON.Raw(fields) });
  }

  /** Leaves a value, which is JSON, for later steps. */
  leave(key: string, value: string): void {
    this.context.push({ key, value: new JSON.Raw(value) });
  }

  /** Tells the author of the resource what is wrong with the field. An error ends the derivation. */
  error(field: string, message: string): void {
    this.results.push({ severity: "error", field, message });
  }

  /** Warns the author of the resource. */
  warn(field: string, message: string): void {
    this.results.push({ severity: "warning", field, message });
  }

  /** Tells the author of the resource something. */
  info(field: string, message: string): void {
    this.results.push({ severity: "info", field, message });
  }
}

/** The settings to check. */
@json
export class ValidateRequest {
  abi: i64 = 0;
  settings: JSON.Raw = new JSON.Raw("{}");
}

/** What is wrong with the settings. */
@json
export class ValidateResponse {
  @omitif((self: ValidateResponse) => self.results.length == 0)
  results: Result[] = [];

  /** Says what is wrong with a setting. */
  error(field: string, message: string): void {
    this.results.push({ severity: "error", field, message });
  }
}
