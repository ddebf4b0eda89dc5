export * from "./messages";
export { serve, serveValidate } from "./guest";
