// A plugin that describes a service in a ConfigMap: where it runs, and which image each of its containers has.
import { JSON } from "json-as";
import { Request, Response, ValidateRequest, ValidateResponse, serve, serveValidate } from "../assembly";

// Of the resource, a plugin names the fields that it reads.
@json
class Metadata {
  name: string = "";
  namespace: string = "";
}

@json
class Container {
  image: string = "";
}

@json
class Workload {
  containers: Map<string, Container> = new Map<string, Container>();
}

@json
class Spec {
  replicas: i64 = 0;
  workload: Workload = new Workload();
}

@json
class Service {
  metadata: Metadata = new Metadata();
  spec: Spec = new Spec();
}

@json
class Settings {
  note: string = "";
  forbiddenRegistry: string = "";
}

@json
class ObjectMeta {
  name: string = "";
  namespace: string = "";
}

@json
class ConfigMap {
  apiVersion: string = "v1";
  kind: string = "ConfigMap";
  metadata: ObjectMeta = new ObjectMeta();
  data: Map<string, string> = new Map<string, string>();
}

export function derive(): i32 {
  return serve((request: Request, response: Response): void => {
    const service = JSON.parse<Service>(request.resource.toString());
    const settings = JSON.parse<Settings>(request.settings.toString());
    const map = new ConfigMap();
    map.metadata.name = service.metadata.name + "-facts";
    map.metadata.namespace = service.metadata.namespace;
    map.data.set("cluster", request.platform.clusterName);
    map.data.set("replicas", service.spec.replicas.toString());
    if (settings.note.length > 0) map.data.set("note", settings.note);
    const names = service.spec.workload.containers.keys().sort();
    for (let i = 0; i < names.length; i++) {
      const image = service.spec.workload.containers.get(names[i]).image;
      if (settings.forbiddenRegistry.length > 0 && image.startsWith(settings.forbiddenRegistry + "/")) {
        response.error("spec.workload.containers." + names[i] + ".image",
          "comes from " + settings.forbiddenRegistry + ", which this platform does not allow; use another registry");
      }
      map.data.set("image." + names[i], image);
    }
    response.emit("v1", "ConfigMap", map.metadata.namespace, map.metadata.name, JSON.stringify(map));
  });
}

export function validate(): i32 {
  return serveValidate((request: ValidateRequest, response: ValidateResponse): void => {
    const settings = JSON.parse<Settings>(request.settings.toString());
    if (settings.forbiddenRegistry.includes("/")) response.error("forbiddenRegistry", "must be a host, without a path");
  });
}
