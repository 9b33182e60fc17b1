import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.classfile.ClassElement;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/**
 * Copies a jar. Classes without stack maps, as compilers for Java 5 made them (picocli's are such),
 * get them, and a version that has them: a JVM verifies the old ones slowly at every start, and
 * cannot keep them in its cache. They do the same as before.
 */
final class ModernJar {
  /** The first version whose classes have stack maps without exception (Java 7). */
  private static final int WITH_STACK_MAPS = ClassFile.JAVA_7_VERSION;

  private ModernJar() {}

  static void copy(Path from, Path to) throws IOException {
    Map<String, byte[]> files = new LinkedHashMap<>();
    try (ZipInputStream in = new ZipInputStream(Files.newInputStream(from))) {
      for (ZipEntry entry; (entry = in.getNextEntry()) != null; ) {
        if (!entry.isDirectory()) {
          files.put(entry.getName(), in.readAllBytes());
        }
      }
    }
    ClassFile format = format(files);
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(to))) {
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        byte[] bytes = file.getValue();
        if (file.getKey().endsWith(".class")) {
          ClassModel read = format.parse(bytes);
          bytes = read.majorVersion() < WITH_STACK_MAPS ? modern(format, read) : bytes;
        }
        out.putNextEntry(new ZipEntry(file.getKey()));
        out.write(bytes);
        out.closeEntry();
      }
    }
  }

  /** A stack map says which class two have in common: those of the jar are looked up in it. */
  private static ClassFile format(Map<String, byte[]> files) {
    ClassHierarchyResolver ofJar =
        ClassHierarchyResolver.ofResourceParsing(
            description -> {
              String name = description.descriptorString();
              byte[] bytes = files.get(name.substring(1, name.length() - 1) + ".class");
              return bytes == null ? null : new ByteArrayInputStream(bytes);
            });
    return ClassFile.of(
        ClassFile.StackMapsOption.GENERATE_STACK_MAPS,
        ClassFile.ClassHierarchyResolverOption.of(
            ofJar.orElse(ClassHierarchyResolver.defaultResolver())));
  }

  private static byte[] modern(ClassFile format, ClassModel old) {
    // Code that nothing changes would be copied as it is: what is stateful is not known to change
    // nothing.
    ClassTransform code =
        ClassTransform.transformingMethodBodies(
            CodeTransform.ofStateful(() -> (builder, element) -> builder.with(element)));
    ClassTransform version =
        (builder, element) -> {
          ClassElement wanted =
              element instanceof ClassFileVersion
                  ? ClassFileVersion.of(WITH_STACK_MAPS, 0)
                  : element;
          builder.with(wanted);
        };
    return format.transformClass(old, code.andThen(version));
  }
}
