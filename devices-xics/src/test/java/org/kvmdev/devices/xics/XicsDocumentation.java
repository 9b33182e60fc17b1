package org.kvmdev.devices.xics;

import java.util.Arrays;
import java.util.List;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.KeyField;

/** Writes {@code docs/xics.md} from what the code declares. */
final class XicsDocumentation {
  private static final String HEAD =
      """
      # XICS

      POWER's interrupt controller as a partition sees it (PAPR): interrupt *sources*, and a *presentation controller* for
      each vCPU that is connected, which is a *server*. Priorities are more favoured the lower they are; 255 masks.

      This page is written from what the code declares; a test holds both equal.

      ## In short

      1. Make the device (type %d, `%s`). Make vCPUs, enable KVM_CAP_PPC_PAPR on each, and connect each with KVM_CAP_IRQ_XICS.
      2. Set the sources that there are, by KVM_DEV_XICS_GRP_SOURCES.
      3. KVM_IRQ_LINE drives a source by its number. Any level but 0 and KVM_INTERRUPT_UNSET (0xfffffffe) is high. A source
         that was never set answers 0 all the same; KVM_IRQ_LINE_STATUS tells -22.
      4. The guest accepts with H_XIRR and ends with H_EOI. A server begins with CPPR 0, which holds everything back.

      The vCPU's pin is a latch: only H_XIRR, an H_CPPR that changes CPPR and a write of the vCPU's register lower it. It
      outlives the connection and the device.

      Closing the device disconnects all vCPUs; another can be made and connected. RTAS tokens and disabled hypercalls are
      the VM's and stay.

      A snapshot restores all sources in ascending order and then each server's register, into a VM whose vCPUs are
      connected, whose RTAS tokens are defined, and whose servers still hold everything back.

      Calls from many threads need no lock of the client's. What concerns one server takes effect at once, as if calls came
      one after the other; an interrupt on its way from one server to another can be seen at neither.
      """;

  private final StringBuilder out = new StringBuilder();

  private XicsDocumentation() {}

  /** The whole page. */
  static String page() {
    return new XicsDocumentation().write();
  }

  private String write() {
    out.append(HEAD.formatted(Xics.TYPE.number(), Xics.TYPE.name()));
    attributes();

    section("The word of a source");
    table("bits", "field", "meaning");
    for (SourceField field : SourceField.values()) {
      row(bits(field.high, field.low), field.name(), field.meaning);
    }

    section("The register of a server");
    out.append(
        "KVM_REG_PPC_ICP_STATE (`%#x`), by KVM_GET_ONE_REG and KVM_SET_ONE_REG. ENXIO where the vCPU is not connected. EINVAL\n"
            .formatted(Partition.ICP_STATE));
    out.append("where the fields written do not fit together.\n\n");
    table("bits", "field", "meaning");
    for (PresentationField field : PresentationField.values()) {
      row(bits(field.high, field.low), field.name(), field.meaning);
    }

    section("Hypercalls");
    table("number", "call", "arguments", "results beside r3", "what it does", "errors");
    for (Hypercall call : Hypercall.values()) {
      row(
          "%#x".formatted(call.number),
          call.name(),
          call.arguments,
          call.results,
          call.meaning,
          call.errors);
    }

    section("RTAS");
    out.append(
        "KVM_PPC_RTAS_DEFINE_TOKEN gives a routine a token: ENOENT for a name that is not below,"
            + " EEXIST for a token that is\n");
    out.append(
        "taken; token 0 takes the routine's first one away. H_RTAS then answers calls by that"
            + " token, others go to user space.\n");
    out.append(
        "The block is %d bytes, big-endian whatever the guest is. Status %d is success, %d a wrong count, source or server.\n\n"
            .formatted(RtasArguments.SIZE, RtasCall.SUCCESS, RtasCall.PARAMETER_ERROR));
    table("routine", "arguments", "results", "what it does");
    for (RtasCall call : RtasCall.values()) {
      row(call.routine, call.argumentNames, call.resultNames, call.meaning);
    }

    section("Capabilities");
    table("number", "capability", "is", "enabled on", "arguments", "what it does");
    for (PaprCapability capability : PaprCapability.values()) {
      row(
          String.valueOf(capability.number),
          capability.name(),
          String.valueOf(capability.answer),
          capability.enabledOn,
          capability.arguments,
          capability.meaning);
    }
    return out.toString();
  }

  private void attributes() {
    section("Attributes");
    for (AttributeGroup group : Xics.TYPE.groups()) {
      out.append("Group %d, %s: %s\n".formatted(group.number(), group.name(), group.summary()));
      out.append(
          "A number that names none: HAS %s, GET %s, SET %s.\n\n"
              .formatted(group.unknownHas(), group.unknownGet(), group.unknownSet()));
      table("`attr`", "name", "bytes", "access", "what", "when", "effects");
      for (Attribute attribute : Xics.TYPE.attributes()) {
        row(
            "%#x to %#x".formatted(attribute.firstKey(), attribute.lastKey()),
            attribute.name(),
            String.valueOf(attribute.size()),
            attribute.access().name().toLowerCase().replace('_', ' '),
            attribute.summary(),
            attribute.when(),
            attribute.effects());
      }
      for (KeyField field : group.fields()) {
        out.append(
            "\n`attr` %s is the %s: %s GET looks at the bits %#x of it alone.\n"
                .formatted(
                    bits(field.high(), field.low()),
                    field.name(),
                    field.meaning(),
                    group.getMask()));
      }
    }
    out.append(
        "\n"
            + "Group 2 (KVM_DEV_XICS_GRP_CTRL) with KVM_DEV_XICS_NR_SERVERS is documented, and"
            + " ENXIO: only the XICS that a XIVE\n");
    out.append("emulates has it.\n");
  }

  private void section(String title) {
    out.append("\n## ").append(title).append("\n\n");
  }

  private void table(String... titles) {
    row(titles);
    String[] lines = new String[titles.length];
    Arrays.fill(lines, "---");
    row(lines);
  }

  private void row(String... cells) {
    out.append("| ").append(String.join(" | ", List.of(cells))).append(" |\n");
  }

  private static String bits(int high, int low) {
    return high == low ? String.valueOf(high) : high + ":" + low;
  }
}
