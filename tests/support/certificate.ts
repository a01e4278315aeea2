/**
 * A self-signed certificate for `localhost`, `127.0.0.1` and `::1` that lasts a century, with its key. For tests alone.
 *
 * Made by `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 36500 -nodes -subj /CN=localhost
 * -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1 -addext basicConstraints=critical,CA:FALSE`.
 *
 * @module
 */

/** The certificate, PEM. */
export const CERT = `-----BEGIN CERTIFICATE-----
MIIBqjCCAVCgAwIBAgIUNVFUJbu4ubm0zPk8LnvP78g8YSQwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjE4MTUwMloYDzIxMjYxMDI5
MTgxNTAyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASr2+bH2352GeV1FJ6T/AsSm+79Hqw8AmZzc0MZ7wVo7oQOZC5jH32+
+6EwnVo6Rm3TDxKUFCB/KLp6OP6tSdAOo34wfDAdBgNVHQ4EFgQUs8Dx4SL//XYc
5MKa3F+jpqKbPA0wHwYDVR0jBBgwFoAUs8Dx4SL//XYc5MKa3F+jpqKbPA0wLAYD
VR0RBCUwI4IJbG9jYWxob3N0hwR/AAABhxAAAAAAAAAAAAAAAAAAAAABMAwGA1Ud
EwEB/wQCMAAwCgYIKoZIzj0EAwIDSAAwRQIhAOWRsv1yEvmrPPMmwLNn6Cxra23O
YIPGETPLEM3edtWRAiAT7DStiJggiYfpfswAVu8qXuVhb0maXkNi4pGA1SspjQ==
-----END CERTIFICATE-----
`;

/** Its key, PEM. */
export const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgNGpO2TNXbAScuxoP
JRG7yOOXyKtOr9j6LPVVqzrIj5WhRANCAASr2+bH2352GeV1FJ6T/AsSm+79Hqw8
AmZzc0MZ7wVo7oQOZC5jH32++6EwnVo6Rm3TDxKUFCB/KLp6OP6tSdAO
-----END PRIVATE KEY-----
`;

/** SHA-256 of its DER. */
export const SHA256 = "cd38e0cb1544488b9ec7282379f0776aea2fbf5186f5ff0ca1edc132c7c5f048";
