#include "appliance/cli/port_texts.h"

#include <array>

#include "appliance/cli/exit.h"

namespace fedge::cli {
namespace {

using Texts = std::array<const char*, 4>;  // by Language

struct RoleTexts {
    const char* role;
    Texts service;  // before the protocol
    const char* protocol;
    Texts note;
};

constexpr Texts kAccess = {"Access", "Acceso", "Acesso", "Доступ"};
constexpr Texts kMedia = {"A/V", "A/V", "A/V", "A/V"};
constexpr Texts kDnsService = {"DNS", "DNS", "DNS", "DNS"};
constexpr Texts kFrontEnd = {"Internal", "Interno", "Interno", "Внутренний"};

constexpr RoleTexts kRoles[] = {
    {"access-federation",
     kAccess,
     "SIP(MTLS)",
     {"For federated and public IM connectivity using SIP.",
      "Para la conectividad de MI pública y federada mediante SIP.",
      "Para conectividade a IM público e federado com SIP.",
      "Для подключения к федеративным и общедоступным службам обмена мгновенными сообщениями по протоколу SIP."}},
    {"access-clients",
     kAccess,
     "SIP(TLS)",
     {"Client-to-server SIP traffic for external user access.",
      "Tráfico SIP de cliente a servidor para el acceso de usuarios externos.",
      "Tráfego SIP do cliente ao servidor para o acesso do usuário externo.",
      "Трафик SIP от клиента к серверу для доступа внешних пользователей."}},
    {"media-udp",
     kMedia,
     "STUN,MSTURN",
     {"Media of external users and federated partners.",
      "Contenido multimedia de usuarios externos y socios federados.",
      "Mídia de usuários externos e parceiros federados.",
      "Мультимедиа внешних пользователей и федеративных партнеров."}},
    {"media-tcp",
     kMedia,
     "STUN,MSTURN",
     {"Media of external users and federated partners where UDP does not pass.",
      "Contenido multimedia de usuarios externos y socios federados donde UDP no pasa.",
      "Mídia de usuários externos e parceiros federados onde o UDP não passa.",
      "Мультимедиа внешних пользователей и федеративных партнеров там, где не проходит UDP."}},
    {"relayed-udp",
     kMedia,
     "RTP",
     {"Media sessions by way of the relay.", "Sesiones de A/V a través de la retransmisión.",
      "Sessões de A/V por meio da retransmissão.", "Сеансы аудио- и видеосвязи через ретранслятор."}},
    {"relayed-tcp",
     kMedia,
     "RTP",
     {"Media sessions by way of the relay, over TCP.", "Sesiones de A/V a través de la retransmisión, por TCP.",
      "Sessões de A/V por meio da retransmissão, por TCP.",
      "Сеансы аудио- и видеосвязи через ретранслятор по протоколу TCP."}},
    {"dns",
     kDnsService,
     "DNS",
     {"To find federated partners.", "Para encontrar a los socios federados.", "Para encontrar os parceiros federados.",
      "Для поиска федеративных партнеров."}},
    {"front-end",
     kFrontEnd,
     "SIP(MTLS)",
     {"SIP traffic between the edge and the front end.",
      "Tráfico SIP entre el servidor perimetral y el servidor front-end.",
      "Tráfego SIP entre o Servidor de Borda e o Servidor Front-End.",
      "Трафик SIP между пограничным сервером и сервером переднего плана."}},
};

struct FarTexts {
    const char* far;
    Texts text;
};
constexpr FarTexts kFars[] = {
    {"any", {"Any", "Cualquiera", "Qualquer um", "Любой"}},
    {"partners",
     {"Federated partners and public IM providers", "Socios federados y de conectividad de MI pública",
      "Parceiros federados e de conectividade pública de IM",
      "Федеративные партнеры и партнеры по связи с общедоступной службой обмена мгновенными сообщениями"}},
    {"clients", {"Clients", "Clientes", "Clientes", "Клиенты"}},
    {"dns-servers", {"DNS servers", "Servidores DNS", "Servidores DNS", "DNS-серверы"}},
    {"front-ends", {"Front end", "Servidor front-end", "Servidor Front-End", "Сервер переднего плана"}},
    {"inside", {"Internal network", "Red interna", "Rede interna", "Внутренняя сеть"}},
};

constexpr Texts kWords[] = {
    {"Role/Protocol/TCP or UDP/Port", "Rol/Protocolo/TCP o UDP/Puerto", "Função/Protocolo/TCP ou UDP/Porta",
     "Роль/протокол/TCP или UDP/порт"},
    {"Source IP address", "Dirección IP de origen", "Endereço IP de origem", "Исходный IP-адрес"},
    {"Destination IP address", "Dirección IP de destino", "Endereço IP de destino", "Конечный IP-адрес"},
    {"Notes", "Notas", "Notas", "Примечания"},
    {"Firewall towards the internet", "Firewall hacia Internet", "Firewall voltado para a Internet",
     "Брандмауэр со стороны Интернета"},
    {"Firewall towards the internal network", "Firewall hacia la red interna", "Firewall voltado para a rede interna",
     "Брандмауэр со стороны внутренней сети"},
    {"Host of fedge-control", "Host de fedge-control", "Host do fedge-control", "Узел fedge-control"},
};

size_t at(Language language) {
    return static_cast<size_t>(language);
}

const RoleTexts* role_of(const Json& row) {
    const std::string name = text_or(row, "role", "");
    for (const RoleTexts& one : kRoles)
        if (name == one.role) return &one;
    return nullptr;
}

}  // namespace

Language language_of(const std::string& name) {
    constexpr std::array<const char*, 4> names = {"en", "es", "pt", "ru"};
    for (size_t i = 0; i < names.size(); ++i)
        if (name == names[i]) return static_cast<Language>(i);
    throw Failure(Exit::usage, "there are no texts in language '" + name + "'", "give one of en, es, pt, ru");
}

std::string_view word(Word word, Language language) {
    return kWords[static_cast<size_t>(word)][at(language)];
}

std::string role_text(const Json& row, Language language) {
    const RoleTexts* texts = role_of(row);
    const auto first = static_cast<unsigned>(number_or(row, "first", 0));
    const auto last = static_cast<unsigned>(number_or(row, "last", 0));
    const std::string ports = std::to_string(first) + (last > first ? "-" + std::to_string(last) : "");
    const std::string transport = text_or(row, "transport", "") == "udp" ? "UDP" : "TCP";
    if (!texts) return text_or(row, "role", "?") + "/" + transport + "/" + ports;
    return std::string(texts->service[at(language)]) + "/" + texts->protocol + "/" + transport + "/" + ports;
}

std::string far_text(const Json& row, Language language) {
    const std::string name = text_or(row, "far", "");
    for (const FarTexts& one : kFars)
        if (name == one.far) return one.text[at(language)];
    return name;
}

std::string note_text(const Json& row, Language language) {
    constexpr Texts source_ports = {" The ports are those of the source.", " Los puertos son los de origen.",
                                    " As portas são as de origem.", " Указаны порты источника."};
    const RoleTexts* texts = role_of(row);
    if (!texts) return {};
    const bool source = text_or(row, "ports_of", "") == "source";
    return std::string(texts->note[at(language)]) + (source ? source_ports[at(language)] : "");
}

}  // namespace fedge::cli
