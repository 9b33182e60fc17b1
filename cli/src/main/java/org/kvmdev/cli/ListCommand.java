package org.kvmdev.cli;

import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Plugin;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** Which device types there are. */
@Command(
    name = "list",
    description = "Lists the device types: number, name, jar, module, version, hosts.",
    mixinStandardHelpOptions = true)
final class ListCommand implements Callable<Integer> {
  @ParentCommand private KvmdevCommand kvmdev;

  @Override
  public Integer call() {
    try (Kvm kvm = kvmdev.scope().kvm()) {
      if (kvmdev.scope().isJson()) {
        printJson(kvm);
      } else {
        print(kvm);
      }
      return kvm.faults().isEmpty() ? 0 : 1;
    }
  }

  private void print(Kvm kvm) {
    Table table = new Table("TYPE", "NAME", "JAR", "MODULE", "VERSION", "HOSTS");
    for (Plugin plugin : kvm.plugins()) {
      for (DeviceType type : plugin.types()) {
        table.add(
            type.numberText(),
            type.name(),
            plugin.origin().jar(),
            orDash(plugin.origin().module()),
            orDash(plugin.origin().version()),
            String.join(" ", hosts(kvm, type)));
      }
    }
    table.print(kvmdev.scope().out(), "");
  }

  private void printJson(Kvm kvm) {
    Json.print(
        kvmdev.scope().out(),
        json -> {
          json.writeStartArray();
          for (Plugin plugin : kvm.plugins()) {
            for (DeviceType type : plugin.types()) {
              json.writeStartObject();
              json.writeNumberField("type", type.number());
              json.writeStringField("name", type.name());
              json.writeStringField("summary", type.summary());
              json.writeStringField("jar", plugin.origin().jar());
              json.writeStringField("module", plugin.origin().module());
              json.writeStringField("version", plugin.origin().version());
              json.writeArrayFieldStart("hosts");
              for (String host : hosts(kvm, type)) {
                json.writeString(host);
              }
              json.writeEndArray();
              json.writeEndObject();
            }
          }
          json.writeEndArray();
        });
  }

  /** The hosts whose VMs can have a type. */
  static List<String> hosts(Kvm kvm, DeviceType type) {
    return kvm.hosts().stream()
        .filter(host -> kvm.types(host).contains(type))
        .map(Host::name)
        .toList();
  }

  private static String orDash(@Nullable String text) {
    return text == null ? "-" : text;
  }
}
