/**
 * A clean-room stand-in for `@std/streams`, for networks where JSR is blocked: same names, signatures and errors.
 * What a flow must compose with is here; readers and writers of the old kind are not.
 *
 * @module
 */

export { toArrayBuffer, toBlob, toJson, toText } from "./collect.ts";
export {
  concatReadableStreams,
  earlyZipReadableStreams,
  mergeReadableStreams,
  zipReadableStreams,
} from "./combine.ts";
export { ByteSliceStream, LimitedBytesTransformStream, LimitedTransformStream } from "./limit.ts";
export { DelimiterStream, TextDelimiterStream, TextLineStream } from "./split.ts";
export { toTransformStream } from "./to_transform_stream.ts";
