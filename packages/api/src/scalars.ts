/** Scalar values as they stand in the JSON form of an object. */

/** Standard base64, padded (RFC 4648 §4): how Go's `[]byte` is written in JSON. */
export type Base64 = string;

/** RFC 3339 in UTC with whole seconds: `2026-01-02T03:04:05Z` (meta/v1 Time). */
export type Time = string;

/** RFC 3339 in UTC with exactly six fractional digits (meta/v1 MicroTime). */
export type MicroTime = string;

/** A number with a unit: `100m`, `1Gi` (api/resource Quantity). A string in every decoded object. */
export type Quantity = string;

export type IntOrString = number | string;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** An embedded object of any kind, kept as it came. */
export type RawExtension = Json;

/** A set of field paths (meta/v1 FieldsV1): `{"f:spec": {"f:replicas": {}}}`. */
export type FieldsV1 = { [key: string]: FieldsV1 };
