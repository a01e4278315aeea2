/**
 * Opens the C library before a test begins. It stays open for the life of the program, which the check for leaks would lay at the door of the
 * first test that needs it.
 *
 * @module
 */

import { ffiIsUsable } from "../../src/sockets/libc.ts";

ffiIsUsable();
