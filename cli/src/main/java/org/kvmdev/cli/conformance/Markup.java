package org.kvmdev.cli.conformance;

/** Text in XML and HTML. */
final class Markup {
  private Markup() {}

  /** A text as content or as an attribute's value in double quotes. */
  static String text(String text) {
    StringBuilder escaped = new StringBuilder(text.length() + 16);
    text.codePoints()
        .forEach(
            each -> {
              switch (each) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\n' -> escaped.append("&#10;");
                case '\t' -> escaped.append("&#9;");
                default ->
                    escaped.appendCodePoint(
                        // XML 1.0 has no way to write these.
                        each < ' ' || each >= 0xd800 && each < 0xe000 || (each & 0xfffe) == 0xfffe
                            ? 0xfffd
                            : each);
              }
            });
    return escaped.toString();
  }
}
