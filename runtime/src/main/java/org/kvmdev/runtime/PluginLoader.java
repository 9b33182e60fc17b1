package org.kvmdev.runtime;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLConnection;
import java.net.URLStreamHandler;
import java.security.CodeSigner;
import java.security.CodeSource;
import java.security.SecureClassLoader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One plug-in's classes, whether its jars are modules of a layer or not. All is in memory: no jar
 * stays open, and none is cached by the JDK for whoever loads the plug-in's next version.
 */
final class PluginLoader extends SecureClassLoader {
  static {
    registerAsParallelCapable();
  }

  private final List<JarContent> jars;

  PluginLoader(String name, List<JarContent> jars, ApiLoader parent) {
    super(name, parent);
    this.jars = List.copyOf(jars);
  }

  @Override
  protected Class<?> findClass(String name) throws ClassNotFoundException {
    String file = name.replace('.', '/') + ".class";
    for (JarContent jar : jars) {
      byte[] bytes = jar.entries().get(file);
      if (bytes != null) {
        return defineClass(name, bytes, 0, bytes.length, source(jar));
      }
    }
    throw new ClassNotFoundException(name);
  }

  private static CodeSource source(JarContent jar) {
    try {
      return new CodeSource(jar.path().toUri().toURL(), (CodeSigner[]) null);
    } catch (MalformedURLException e) {
      throw new IllegalStateException("a file's URI is a URL", e);
    }
  }

  @Override
  protected @Nullable URL findResource(String name) {
    for (JarContent jar : jars) {
      byte[] bytes = jar.entries().get(name);
      if (bytes != null) {
        return url(jar, name, bytes);
      }
    }
    return null;
  }

  @Override
  protected Enumeration<URL> findResources(String name) {
    List<URL> found = new ArrayList<>();
    for (JarContent jar : jars) {
      byte[] bytes = jar.entries().get(name);
      if (bytes != null) {
        found.add(url(jar, name, bytes));
      }
    }
    return Collections.enumeration(found);
  }

  // The two questions that the JDK asks about a named module's content.

  @Override
  protected @Nullable Class<?> findClass(@Nullable String moduleName, String name) {
    try {
      return findClass(name);
    } catch (ClassNotFoundException e) {
      return null;
    }
  }

  @Override
  protected @Nullable URL findResource(@Nullable String moduleName, String name) {
    return findResource(name);
  }

  /** As URLs of jars are written, but answered from memory. */
  private static URL url(JarContent jar, String name, byte[] bytes) {
    try {
      String path = new URI(null, null, "/" + name, null).getRawPath();
      return URL.of(
          URI.create("jar:" + jar.path().toUri() + "!" + path),
          new URLStreamHandler() {
            @Override
            protected URLConnection openConnection(URL url) {
              return new Content(url, bytes);
            }
          });
    } catch (URISyntaxException | MalformedURLException e) {
      throw new IllegalStateException("every name in a jar can be written in a URL", e);
    }
  }

  /** A file in a jar. */
  private static final class Content extends URLConnection {
    private final byte[] bytes;

    Content(URL url, byte[] bytes) {
      super(url);
      this.bytes = bytes;
    }

    @Override
    public void connect() {}

    @Override
    public InputStream getInputStream() throws IOException {
      return new ByteArrayInputStream(bytes);
    }

    @Override
    public long getContentLengthLong() {
      return bytes.length;
    }
  }
}
