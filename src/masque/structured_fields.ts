/**
 * Lists of Structured Fields (RFC 9651), as far as `Proxy-Status` needs them: every bare item is parsed, so that
 * a parameter nobody here knows does not cost the rest of the field. Inner lists are parsed and dropped, because
 * a member of `Proxy-Status` is never one.
 *
 * @module
 */

/** A bare item (RFC 9651, section 3.3), told apart by its type: a String and a Token may hold the same text. */
export type BareItem =
  | { readonly type: "integer" | "decimal" | "date"; readonly value: number }
  | { readonly type: "string" | "token" | "bytes" | "display-string"; readonly value: string }
  | { readonly type: "boolean"; readonly value: boolean };

/** A member of a list: an item and its parameters, the last one of each name. */
export interface ListItem {
  readonly item: BareItem;
  readonly parameters: ReadonlyMap<string, BareItem>;
}

const TOKEN = /[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*/y;
const KEY = /[a-z*][a-z0-9_\-.*]*/y;
const NUMBER = /-?[0-9]+(?:\.[0-9]*)?/y;
const STRING = /"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y;
const BYTES = /:([A-Za-z0-9+/]*={0,2}):/y;
const BOOLEAN = /\?[01]/y;
const DISPLAY_STRING = /%"((?:[\x20-\x21\x23-\x24\x26-\x7e]|%[0-9a-f]{2})*)"/y;
const SPACES = / */y;
const OPTIONAL_WHITESPACE = /[ \t]*/y;

/** Whether `text` is a Token (RFC 9651, section 3.3.4). */
export function isToken(text: string): boolean {
  TOKEN.lastIndex = 0;
  return TOKEN.exec(text)?.[0].length === text.length;
}

/**
 * Parses a List (RFC 9651, section 4.2.1). Several lines of one field are joined with commas first.
 * `undefined` when any part is malformed: section 4.2 asks that the whole field is then ignored.
 */
export function parseItemList(text: string): ListItem[] | undefined {
  return new ListParser(text).parse();
}

class ListParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): ListItem[] | undefined {
    const members: ListItem[] = [];
    this.#take(SPACES);
    while (this.#at < this.#text.length) {
      const member = this.#peek() === "(" ? this.#innerList() : this.#item();
      if (member === undefined) return undefined;
      if (member !== "inner-list") members.push(member);
      this.#take(OPTIONAL_WHITESPACE);
      if (this.#at === this.#text.length) return members;
      if (!this.#takeCharacter(",")) return undefined;
      this.#take(OPTIONAL_WHITESPACE);
      if (this.#at === this.#text.length) return undefined; // a trailing comma
    }
    return members;
  }

  #innerList(): "inner-list" | undefined {
    this.#at++;
    for (;;) {
      this.#take(SPACES);
      if (this.#takeCharacter(")")) return this.#parameters() && "inner-list";
      if (this.#item() === undefined) return undefined;
      const next = this.#peek();
      if (next !== " " && next !== ")") return undefined;
    }
  }

  #item(): ListItem | undefined {
    const item = this.#bareItem();
    if (item === undefined) return undefined;
    const parameters = this.#parameters();
    return parameters && { item, parameters };
  }

  #parameters(): Map<string, BareItem> | undefined {
    const parameters = new Map<string, BareItem>();
    while (this.#takeCharacter(";")) {
      this.#take(SPACES);
      const key = this.#take(KEY)?.[0];
      if (key === undefined) return undefined;
      let value: BareItem | undefined = { type: "boolean", value: true };
      if (this.#takeCharacter("=")) value = this.#bareItem();
      if (value === undefined) return undefined;
      parameters.set(key, value);
    }
    return parameters;
  }

  #bareItem(): BareItem | undefined {
    switch (this.#peek()) {
      case '"': {
        const match = this.#take(STRING);
        return match && { type: "string", value: match[1].replace(/\\(.)/g, "$1") };
      }
      case ":": {
        const match = this.#take(BYTES);
        return match && { type: "bytes", value: match[1] };
      }
      case "?": {
        const match = this.#take(BOOLEAN);
        return match && { type: "boolean", value: match[0] === "?1" };
      }
      case "@": {
        this.#at++;
        const number = this.#number();
        return number?.type === "integer" ? { type: "date", value: number.value } : undefined;
      }
      case "%":
        return this.#displayString();
    }
    const token = this.#take(TOKEN)?.[0];
    return token === undefined ? this.#number() : { type: "token", value: token };
  }

  #number(): { type: "integer" | "decimal"; value: number } | undefined {
    const text = this.#take(NUMBER)?.[0];
    if (text === undefined) return undefined;
    const [whole, fraction] = text.replace("-", "").split(".");
    if (fraction === undefined) {
      return whole.length <= 15 ? { type: "integer", value: Number(text) } : undefined;
    }
    const fits = whole.length <= 12 && fraction.length >= 1 && fraction.length <= 3;
    return fits ? { type: "decimal", value: Number(text) } : undefined;
  }

  #displayString(): BareItem | undefined {
    const match = this.#take(DISPLAY_STRING);
    if (match === undefined) return undefined;
    try {
      return { type: "display-string", value: decodeURIComponent(match[1]) };
    } catch {
      return undefined; // the escaped bytes are not UTF-8
    }
  }

  #peek(): string {
    return this.#text.charAt(this.#at);
  }

  #takeCharacter(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at++;
    return true;
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text) ?? undefined;
    if (match !== undefined) this.#at = pattern.lastIndex;
    return match;
  }
}
