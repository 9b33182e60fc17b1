package org.kvmdev.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** In which order a device's accessors look at the number and at the data. */
class AttributeDeviceTest {
  private static final AttributeGroup GROUP = AttributeGroup.of(1, "GROUP", "A group.").build();

  /** Some attributes. */
  private enum Some implements AttributeId {
    PLAIN(Attribute.of(GROUP, 0, "PLAIN", "A number.").build()),
    STRICT(Attribute.of(GROUP, 1, "STRICT", "Refused for its number.").build()),
    SECRET(Attribute.of(GROUP, 2, "SECRET", "Cannot be read.").access(Access.WRITE).build()),
    FIXED(Attribute.of(GROUP, 3, "FIXED", "Cannot be written.").access(Access.READ).build()),
    LONG(Attribute.of(GROUP, 4, "LONG", "A structure.").size(16).build()),
    REQUEST(Attribute.of(GROUP, 5, "REQUEST", "Has no data.").request().build());

    private final Attribute attribute;

    Some(Attribute attribute) {
      this.attribute = attribute;
    }

    @Override
    public Attribute attribute() {
      return attribute;
    }
  }

  private static final AttributeTable<Some> TABLE = AttributeTable.of(List.of(Some.values()));

  private final List<String> calls = new ArrayList<>();

  private final AttributeDevice<Some> device =
      new AttributeDevice<>(TABLE) {
        @Override
        protected long get(Some attribute, long attr) {
          calls.add("get " + attribute);
          return 0;
        }

        @Override
        protected void unreadable(Some attribute, long attr) throws KvmException {
          calls.add("unreadable " + attribute);
          if (attribute == Some.STRICT) {
            throw KvmException.constant(Errno.EINVAL, "not this one");
          }
        }

        @Override
        protected void set(Some attribute, long attr, long value) {
          calls.add("set " + attribute);
        }
      };

  @Test
  void aSetWithoutReadableDataIsEfaultUnlessTheDeviceRefusesItsNumber() {
    refused(Errno.EFAULT, () -> device.setAttr(1, 0, 0, UserMemory.NONE));
    refused(Errno.EINVAL, () -> device.setAttr(1, 1, 0, UserMemory.NONE));
    refused(Errno.EFAULT, () -> device.setAttr(1, 4, 0, UserMemory.NONE));
    assertEquals(List.of("unreadable PLAIN", "unreadable STRICT", "unreadable LONG"), calls);
  }

  @Test
  void aRequestWithoutDataReadsNone() throws KvmException {
    device.setAttr(1, 5, 0, UserMemory.NONE);
    assertEquals(List.of("set REQUEST"), calls);
  }

  @Test
  void getHasHappenedWhereItsDataCannotBeWritten() {
    refused(Errno.EFAULT, () -> device.getAttr(1, 0, 0, UserMemory.NONE));
    assertEquals(List.of("get PLAIN"), calls);
  }

  @Test
  void whatIsNotDeclaredIsRefusedBeforeTheDevice() throws KvmException {
    refused(Errno.ENXIO, () -> device.getAttr(1, 2, 0, UserMemory.NONE));
    refused(Errno.ENXIO, () -> device.setAttr(1, 3, 0, UserMemory.NONE));
    refused(Errno.ENXIO, () -> device.hasAttr(1, 6));
    refused(Errno.ENXIO, () -> device.hasAttr(2, 0));
    device.hasAttr(1, 2);
    assertEquals(List.of(), calls);
  }

  /** A call that is refused. */
  private interface Call {
    void make() throws KvmException;
  }

  private static void refused(Errno errno, Call call) {
    assertEquals(errno, assertThrows(KvmException.class, call::make).errno());
  }
}
