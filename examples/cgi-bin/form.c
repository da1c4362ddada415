/* A form in C: name, colour and message, by GET and by POST. To compile it: cc -o form-c form.c */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BODY_BYTES = 65536 };

static const char DEFAULT_COLOUR[] = "#4f46e5";

static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value == NULL ? "" : value;
}

static void fail(const char *status, const char *more) {
  printf("Status: %s\nContent-Type: text/plain\n%s\n%s\n", status, more, status);
  exit(0);
}

/* Memory that is given back when the program ends, which is soon. */
static char *allocate(size_t size) {
  char *memory = malloc(size);
  if (memory == NULL) fail("500 Internal Server Error", "");
  return memory;
}

/* The text of the form as it was sent: name=Ada&colour=%23ff0000 */
static const char *read_form(void) {
  const char *method = variable("REQUEST_METHOD");
  if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) return variable("QUERY_STRING");
  if (strcmp(method, "POST") != 0) fail("405 Method Not Allowed", "Allow: GET, HEAD, POST\n");
  static const char type[] = "application/x-www-form-urlencoded";
  if (strncmp(variable("CONTENT_TYPE"), type, sizeof type - 1) != 0) fail("415 Unsupported Media Type", "");
  unsigned long length = strtoul(variable("CONTENT_LENGTH"), NULL, 10);
  if (length > MAX_BODY_BYTES) fail("413 Content Too Large", "");
  char *body = allocate(length + 1);
  body[fread(body, 1, length, stdin)] = '\0';
  return body;
}

static int digit(char c) {
  return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Up to `length` bytes of `text` with + and %XX undone. The result is never longer. A NUL would end it, and is left out. */
static char *decode(const char *text, size_t length) {
  char *decoded = allocate(length + 1), *to = decoded;
  for (size_t i = 0; i < length; i++) {
    char c = text[i] == '+' ? ' ' : text[i];
    if (c == '%' && i + 2 < length && isxdigit((unsigned char)text[i + 1]) && isxdigit((unsigned char)text[i + 2])) {
      c = (char)(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    }
    if (c != '\0') *to++ = c;
  }
  *to = '\0';
  return decoded;
}

/* The decoded value of a field; "" if the form has none of that name. */
static const char *field(const char *form, const char *wanted) {
  while (*form != '\0') {
    size_t length = strcspn(form, "&");
    size_t name_length = strcspn(form, "=&");
    if (strcmp(decode(form, name_length), wanted) == 0) {
      size_t value_at = name_length < length ? name_length + 1 : length;
      return decode(form + value_at, length - value_at);
    }
    form += length + (form[length] == '&');
  }
  return "";
}

static int is_colour(const char *text) {
  return text[0] == '#' && strlen(text) == 7 && strspn(text + 1, "0123456789abcdefABCDEF") == 6;
}

/* Prints text that a client has sent: nothing of it gets into the page in another way. */
static void put_escaped(const char *text) {
  for (; *text != '\0'; text++) {
    switch (*text) {
      case '&': fputs("&amp;", stdout); break;
      case '<': fputs("&lt;", stdout); break;
      case '>': fputs("&gt;", stdout); break;
      case '"': fputs("&quot;", stdout); break;
      case '\'': fputs("&#x27;", stdout); break;
      default: putchar(*text);
    }
  }
}

static void put_answer(const char *name, const char *colour, const char *message) {
  printf("<section class=\"answer\">\n"
         "<svg viewBox=\"0 0 1 1\" preserveAspectRatio=\"none\"><rect width=\"1\" height=\"1\" fill=\"%s\"/></svg>\n"
         "<h2>Hello, ", colour);
  put_escaped(name);
  fputs("!</h2>\n<p>", stdout);
  put_escaped(message);
  printf("</p>\n<p class=\"note\">By %s, in %s.</p>\n</section>\n", variable("REQUEST_METHOD"), colour);
}

int main(void) {
  const char *form = read_form();
  const char *name = field(form, "name"), *colour = field(form, "colour"), *message = field(form, "message");
  if (!is_colour(colour)) colour = DEFAULT_COLOUR;

  fputs("Content-Type: text/html; charset=utf-8\n"
        "Content-Security-Policy: default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'\n"
        "X-Content-Type-Options: nosniff\n"
        "\n"
        "<!doctype html>\n"
        "<html lang=\"en\">\n"
        "<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n"
        "<title>A form in C</title>\n"
        "<link rel=\"stylesheet\" href=\"style.cgi\">\n"
        "<nav>\n"
        "<a href=\"./\">Index</a> <a href=\"form.sh\">Shell</a> <a href=\"form.py\">Python</a>\n"
        "<a href=\"form.pl\">Perl</a> <a href=\"form-c\">C</a>\n"
        "</nav>\n"
        "<main>\n"
        "<h1>A form in C</h1>\n", stdout);
  if (form[0] != '\0') put_answer(name, colour, message);
  fputs("<form action=\"form-c\">\n<label>Name <input name=\"name\" value=\"", stdout);
  put_escaped(name);
  printf("\" required></label>\n<label>Colour <input name=\"colour\" type=\"color\" value=\"%s\"></label>\n", colour);
  fputs("<label>Message <textarea name=\"message\" rows=\"3\">", stdout);
  put_escaped(message);
  fputs("</textarea></label>\n"
        "<p><button formmethod=\"get\">Send with GET</button><button formmethod=\"post\">Send with POST</button></p>\n"
        "</form>\n"
        "</main>\n", stdout);
  return 0;
}
