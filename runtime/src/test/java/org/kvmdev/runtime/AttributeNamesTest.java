package org.kvmdev.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.AttributeId;
import org.kvmdev.api.AttributeTable;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.register.Register;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

class AttributeNamesTest {
  private static final AttributeGroup CONTROL =
      AttributeGroup.of(0, "GRP_CONTROL", "What is done.").build();
  private static final AttributeGroup REGISTERS =
      AttributeGroup.of(1, "GRP_REGISTERS", "Registers of a vCPU.")
          .field("vcpu", 39, 32, "Whose.")
          .field("offset", 31, 0, "The register's.")
          .build();
  private static final AttributeGroup OFFSETS =
      AttributeGroup.of(2, "GRP_OFFSETS", "Registers by offset alone.").build();
  private static final AttributeGroup SOURCES =
      AttributeGroup.of(3, "GRP_SOURCES", "Sources.").field("source", 63, 0, "Its number.").build();

  private enum Reg implements Register {
    CTLR(RegisterSpec.at(0, "Control.")),
    VPR(RegisterSpec.at(0x10, "A vector.").array(4, 0x10)),
    AP0(RegisterSpec.at(0x80, "Active priorities.").array(2, 4));

    private final RegisterSpec spec;

    Reg(RegisterSpec spec) {
      this.spec = spec;
    }

    @Override
    public RegisterSpec spec() {
      return spec;
    }
  }

  private static final RegisterMap<Reg> MAP = RegisterMap.of("map", 4, List.of(Reg.values()));

  private enum Id implements AttributeId {
    INIT(Attribute.of(CONTROL, 7, "CTRL_INIT", "Brings it up.").request().build()),
    REGISTER(Attribute.keyed(REGISTERS, "register", "One.").registers(MAP).build()),
    OFFSET(Attribute.keyed(OFFSETS, "register", "One.").registers(MAP).build()),
    SOURCE(Attribute.keyed(SOURCES, "source", "One.").build());

    private final Attribute attribute;

    Id(Attribute attribute) {
      this.attribute = attribute;
    }

    @Override
    public Attribute attribute() {
      return attribute;
    }
  }

  private static final DeviceType TYPE =
      DeviceType.of(DeviceType.FIRST_THIRD_PARTY, "TYPE", "file", "A type.")
          .attributes(AttributeTable.of(List.of(Id.values())))
          .build();

  @ParameterizedTest
  @CsvSource({
    "0, 7, GRP_CONTROL CTRL_INIT",
    "0, 8, GRP_CONTROL attr 8",
    "1, 0x300000000, 'GRP_REGISTERS vcpu 3, CTLR'",
    "1, 0x100000030, 'GRP_REGISTERS vcpu 1, VPR2'",
    "1, 0x100000031, 'GRP_REGISTERS vcpu 1, VPR2 + 1'",
    "1, 0x100000104, 'GRP_REGISTERS vcpu 1, offset 0x104'",
    "2, 0x40, GRP_OFFSETS VPR3",
    "2, 0x84, GRP_OFFSETS AP0[1]",
    "2, 0x104, GRP_OFFSETS register 0x104",
    "3, 0x10, GRP_SOURCES source 0x10",
    "9, 0x10, group 9 attr 0x10",
    "-1, 0x10, group 4294967295 attr 0x10"
  })
  void anAttributeIsCalledAsItsDeclarationDoes(int group, String attr, String words) {
    assertEquals(words, AttributeNames.attribute(TYPE, group, Long.decode(attr)));
  }
}
