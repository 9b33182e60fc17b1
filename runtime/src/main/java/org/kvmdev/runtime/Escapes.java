package org.kvmdev.runtime;

import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.MethodModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.reflect.AccessFlag;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What no exception handler could contain, found in a jar's class files before any of its code
 * runs: calls that end the process, and native code, which can corrupt it.
 *
 * <p>This is against mistakes: whoever means it can reach the same by reflection.
 */
final class Escapes {
  private static final String ENDS = "would end the whole process";
  private static final String NATIVE = "is for native code, which could bring the process down";

  /** Methods that plug-ins may not call, and what they do. */
  private static final Map<String, String> METHODS =
      Map.of(
          "java/lang/System.exit", ENDS,
          "java/lang/Runtime.exit", ENDS,
          "java/lang/Runtime.halt", ENDS,
          "java/lang/System.load", NATIVE,
          "java/lang/System.loadLibrary", NATIVE,
          "java/lang/Runtime.load", NATIVE,
          "java/lang/Runtime.loadLibrary", NATIVE,
          "java/lang/foreign/MemorySegment.reinterpret", NATIVE,
          "java/lang/ModuleLayer$Controller.enableNativeAccess", NATIVE);

  /** Classes that plug-ins may not use at all. */
  private static final Set<String> CLASSES =
      Set.of("java/lang/foreign/Linker", "java/lang/foreign/SymbolLookup");

  private static final int CAFE_BABE = 0xcafe_babe;

  private Escapes() {}

  /**
   * Refuses a jar that has one in it.
   *
   * @param prefix how messages begin
   * @param jar the jar
   */
  static void check(String prefix, JarContent jar) throws Rejection {
    for (Map.Entry<String, byte[]> entry : jar.entries().entrySet()) {
      if (entry.getKey().endsWith(".class") && isReadable(entry.getValue())) {
        String found;
        try {
          found = find(ClassFile.of().parse(entry.getValue()));
        } catch (RuntimeException e) {
          throw new Rejection(
              prefix + entry.getKey() + " is no class file that can be read (" + e + ")",
              "Build the jar again.",
              e);
        }
        if (found != null) {
          throw new Rejection(
              prefix + found,
              "A plug-in's code may neither end the process nor be native: leave it out, or"
                  + " refuse with a KvmException.");
        }
      }
    }
  }

  /** One that is none, or of a newer Java, the JVM will not load. */
  private static boolean isReadable(byte[] file) {
    return file.length > 8
        && ((file[0] & 0xff) << 24
                | (file[1] & 0xff) << 16
                | (file[2] & 0xff) << 8
                | file[3] & 0xff)
            == CAFE_BABE
        && ((file[6] & 0xff) << 8 | file[7] & 0xff) <= ClassFile.latestMajorVersion();
  }

  private static @Nullable String find(ClassModel type) {
    String name = type.thisClass().asInternalName().replace('/', '.');
    for (PoolEntry entry : type.constantPool()) {
      if (entry instanceof MemberRefEntry member) {
        String target = member.owner().asInternalName() + "." + member.name().stringValue();
        String why = METHODS.get(target);
        if (why != null) {
          return name + caller(type, target) + " calls " + readable(target) + ", which " + why;
        }
      } else if (entry instanceof ClassEntry used && CLASSES.contains(used.asInternalName())) {
        return name + " uses " + readable(used.asInternalName()) + ", which " + NATIVE;
      }
    }
    for (MethodModel method : type.methods()) {
      if (method.flags().has(AccessFlag.NATIVE)) {
        return name + "." + method.methodName().stringValue() + " is a native method";
      }
    }
    return null;
  }

  /** The method that has the call; nothing where it is made through a method's reference. */
  private static String caller(ClassModel type, String target) {
    for (MethodModel method : type.methods()) {
      if (method.code().isPresent()) {
        for (CodeElement element : method.code().get()) {
          if (element instanceof InvokeInstruction call
              && target.equals(call.owner().asInternalName() + "." + call.name().stringValue())) {
            return "." + method.methodName().stringValue();
          }
        }
      }
    }
    return "";
  }

  private static String readable(String internal) {
    return internal.substring(internal.lastIndexOf('/') + 1).replace('$', '.');
  }
}
