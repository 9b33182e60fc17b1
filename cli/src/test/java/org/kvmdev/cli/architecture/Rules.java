package org.kvmdev.cli.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.StringEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.Timer;
import java.util.concurrent.Executor;
import java.util.regex.Pattern;

/**
 * The arrows of the design, and what a model may use; each rule for the packages that it is given,
 * so that a fixture can show that it fails.
 */
final class Rules {
  /** Names of architectures and of their interrupt controllers, as words or parts of names. */
  private static final Pattern ARCHITECTURE =
      Pattern.compile(
          "(?i)(aarch|arm64|armv|powerpc|ppc|x86|amd64|riscv|s390|loongarch"
              + "|gic(?!al)|mpic|xics|xive|openpic|ioapic)");

  /** What a lock's owner-to-be may call. */
  private static final Set<String> WAITING = Set.of("onSpinWait", "yield", "currentThread");

  private Rules() {}

  /** Classes of one side know only what they may. */
  static ArchRule dependsOnlyOn(String packages, String... allowed) {
    return classes()
        .that()
        .resideInAPackage(packages)
        .should()
        .onlyDependOnClassesThat(resideInAnyPackage(allowed))
        .because("the arrows run cli → testkit → runtime → api ← devices-*");
  }

  /** A model is plain Java: no files, sockets, clocks or logs. */
  static ArchRule isAPlainModel(String packages) {
    return noClasses()
        .that()
        .resideInAPackage(packages)
        .and()
        .haveSimpleNameNotEndingWith("Provider")
        .should()
        .dependOnClassesThat(
            resideInAnyPackage(
                    "java.io..",
                    "java.nio.file..",
                    "java.nio.channels..",
                    "java.net..",
                    "java.time..",
                    "java.util.logging..",
                    "java.lang.reflect..")
                .or(
                    describe(
                        "processes, timers, executors and loggers",
                        type ->
                            type.isEquivalentTo(Runtime.class)
                                || type.isEquivalentTo(ProcessBuilder.class)
                                || type.isEquivalentTo(Timer.class)
                                || type.isAssignableTo(System.Logger.class)
                                || type.isAssignableTo(Executor.class))))
        .because("whoever knows the hardware's manual reads a model without knowing a framework");
  }

  /** A model starts no thread and never sleeps; it may wait for a lock. */
  static ArchRule startsNoThread(String packages) {
    return noClasses()
        .that()
        .resideInAPackage(packages)
        .should()
        .callCodeUnitWhere(
            describe(
                "the code is a thread's, and more than a hint to wait",
                call ->
                    call.getTargetOwner().isAssignableTo(Thread.class)
                        && !WAITING.contains(call.getTarget().getName())))
        .because("a device runs on the threads of whoever calls it");
  }

  /** JUnit is one face of the kit, not the kit. */
  static ArchRule junitOnlyIn(String packages, String face) {
    return noClasses()
        .that()
        .resideInAPackage(packages)
        .and(resideOutsideOfPackages(face))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.junit..", "org.opentest4j..")
        .because("the rules and the replayer run without JUnit, too");
  }

  /** What the SPI shows, a third party's jar is compiled against: nothing but Java and itself. */
  static ArchRule showsOnly(String packages, String... allowed) {
    DescribedPredicate<JavaClass> known = resideInAnyPackage(allowed);
    return classes()
        .that()
        .resideInAPackage(packages)
        .and()
        .areNotPackagePrivate()
        .should(
            new ArchCondition<JavaClass>("show only types of " + List.of(allowed)) {
              @Override
              public void check(JavaClass type, ConditionEvents events) {
                for (JavaMethod method : type.getMethods()) {
                  if (!method.getModifiers().contains(JavaModifier.PUBLIC)
                      && !method.getModifiers().contains(JavaModifier.PROTECTED)) {
                    continue;
                  }
                  List<JavaClass> shown = new ArrayList<>(method.getRawParameterTypes());
                  shown.add(method.getRawReturnType());
                  for (JavaClass each : shown) {
                    JavaClass base = each.getBaseComponentType();
                    if (!base.isPrimitive() && !known.test(base)) {
                      events.add(
                          SimpleConditionEvent.violated(
                              method, method.getFullName() + " shows " + base.getName()));
                    }
                  }
                }
              }
            });
  }

  /** The core knows no architecture: not in a name, not in a string. */
  static ArchRule namesNoArchitecture(String... packages) {
    return classes()
        .that()
        .resideInAnyPackage(packages)
        .should(
            new ArchCondition<JavaClass>("name no architecture") {
              @Override
              public void check(JavaClass type, ConditionEvents events) {
                List<String> names = new ArrayList<>();
                names.add(type.getSimpleName());
                for (JavaMember member : type.getMembers()) {
                  names.add(member.getName());
                }
                names.addAll(strings(type));
                for (String name : names) {
                  if (ARCHITECTURE.matcher(name).find()) {
                    events.add(
                        SimpleConditionEvent.violated(type, type.getName() + " says: " + name));
                  }
                }
              }
            })
        .because("what an architecture adds is a port that a device family's jar plugs in");
  }

  private static List<String> strings(JavaClass type) {
    List<String> strings = new ArrayList<>();
    String file = "/" + type.getName().replace('.', '/') + ".class";
    try (InputStream in = type.reflect().getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException("there is no " + file);
      }
      for (PoolEntry entry : ClassFile.of().parse(in.readAllBytes()).constantPool()) {
        if (entry instanceof StringEntry string) {
          strings.add(string.stringValue());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return strings;
  }
}
