package com.example.uart;

import java.util.List;
import org.kvmdev.api.Access;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.AttributeId;
import org.kvmdev.api.AttributeTable;

/** What a client sets and reads. */
enum UartAttribute implements AttributeId {
  BASE_ADDR(
      Attribute.of(
              Groups.CONFIG, 0, "BASE_ADDR", "Where the guest finds the registers; 0: nowhere.")
          .size(8)
          .effects("EINVAL where it is no multiple of 8. Moves the registers at any time.")
          .build()),
  LINE(
      Attribute.of(Groups.CONFIG, 1, "LINE", "The interrupt's line, as KVM_IRQ_LINE takes it.")
          .size(4)
          .effects("0xffffffff is none. A line that is raised moves with it.")
          .build()),
  RECEIVE(
      Attribute.of(Groups.WIRE, 0, "RECEIVE", "A byte arrives on the wire.")
          .size(1)
          .access(Access.WRITE)
          .effects("Where the FIFO is full the byte is lost, and the guest told of an overrun.")
          .build()),
  TRANSMIT(
      Attribute.of(Groups.WIRE, 1, "TRANSMIT", "Takes the oldest byte that the guest has sent.")
          .size(1)
          .access(Access.READ)
          .when("EAGAIN where there is none.")
          .effects("The byte leaves the FIFO; the last one makes the transmitter empty.")
          .build()),
  MODEM(
      Attribute.of(Groups.WIRE, 2, "MODEM", "The modem's lines: CTS 4, DSR 5, RI 6, DCD 7.")
          .size(1)
          .effects("Bits 3:0 are ignored and read 0. A change is told to the guest.")
          .build()),
  REGISTER(
      Attribute.keyed(Groups.REGISTER, "REGISTER", "A register, without the side effects.")
          .size(1)
          .keys(1, 9)
          .registers(UartRegister.MAP)
          .build()),
  RECEIVE_FIFO(
      Attribute.of(Groups.STATE, 0, "RECEIVE_FIFO", "What was received: a count, then 16 bytes.")
          .size(1 + Fifo.SIZE)
          .effects("EINVAL where the count is above what FCR allows.")
          .build()),
  TRANSMIT_FIFO(
      Attribute.of(Groups.STATE, 1, "TRANSMIT_FIFO", "What is to be sent: a count, then 16 bytes.")
          .size(1 + Fifo.SIZE)
          .effects("EINVAL where the count is above what FCR allows.")
          .build()),
  LATCHES(
      Attribute.of(Groups.STATE, 2, "LATCHES", "Bit 0: that THR became empty is yet to be told.")
          .size(1)
          .effects("EINVAL above 1.")
          .build());

  static final AttributeTable<UartAttribute> TABLE = AttributeTable.of(List.of(values()));

  private final Attribute attribute;

  UartAttribute(Attribute attribute) {
    this.attribute = attribute;
  }

  @Override
  public Attribute attribute() {
    return attribute;
  }

  /** The groups; in a class of their own, since an enum's constants are made first. */
  private static final class Groups {
    static final AttributeGroup CONFIG =
        AttributeGroup.of(0, "UART_GRP_CONFIG", "Where the UART is.").build();
    static final AttributeGroup WIRE =
        AttributeGroup.of(1, "UART_GRP_WIRE", "The other end of the wire.").build();
    static final AttributeGroup REGISTER =
        AttributeGroup.of(2, "UART_GRP_REGISTER", "The registers.")
            .field("offset", 63, 0, "The register's offset, 1 to 9.")
            .build();
    static final AttributeGroup STATE =
        AttributeGroup.of(3, "UART_GRP_STATE", "What registers do not show.").build();
  }
}
