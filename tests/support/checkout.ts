/**
 * This checkout as a stranger sees it who imports it by URL.
 *
 * @module
 */

const ROOT = new URL("../../", import.meta.url);

/** The checkout over HTTP, as a library's host would serve it. */
export function serveCheckout(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    try {
      const source = await Deno.readTextFile(new URL(`.${new URL(request.url).pathname}`, ROOT));
      return new Response(source, { headers: { "content-type": "application/typescript" } });
    } catch {
      return new Response("nothing here", { status: 404 });
    }
  });
}
